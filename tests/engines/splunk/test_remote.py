"""An instance that is there already: trials on it, faults in between, nothing left behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from faking import connected, fake, left_over

from harness.engines.base import SearchRequest
from harness.engines.splunk import SplunkEngine
from harness.engines.splunk import engine as engine_module
from harness.engines.splunk.engine import NotIsolated
from harness.engines.splunk.jobs import SearchFailed, SearchTooLong, Window
from harness.errors import Unsupported
from harness.model import EventBatch, EventTable, Origin, TimeRange
from harness.replay import Denied, Forbidden, NoAnswer, Rejected, SplunkFault, Unverified

if TYPE_CHECKING:
    from pathlib import Path

    from faking import Fake

SEARCH = SearchRequest("`macro` EventCode=1 | stats count by dest", 2_000.0, TimeRange(None, None))


def events(count: int = 3, index: str = "main") -> list[EventBatch]:
    raw = [f"event {n}" for n in range(count)]
    return [EventBatch(index, "s", "st", raw, [1_000.0 + n for n in range(count)], ["h"] * count)]


def test_a_trial_sends_searches_and_leaves_nothing(fake: Fake, connected: Any) -> None:
    instance = connected()
    engine = SplunkEngine(instance)
    loaded = engine.load(events())
    assert (loaded.events, loaded.newest) == (3, 1_002.0)
    found = engine.search(SEARCH)
    assert found.rows.columns == ("dest", "count")
    assert found.rows.rows == [{"dest": "H1", "count": "3"}]
    sent = fake.state()["requests"][-1]
    assert sent["search"] == "search `macro` EventCode=1 | stats count by dest"
    assert (sent["earliest_time"], sent["now"]) == ("0", "2000")
    assert "latest_time" not in sent
    engine.close()
    instance.close()
    assert left_over(fake) == []


def test_a_search_with_a_time_range_and_a_leading_pipe_is_sent_as_written(
    fake: Fake, connected: Any
) -> None:
    engine = SplunkEngine(connected())
    engine.load(events())
    engine.search(SearchRequest("| tstats count", 9.0, TimeRange(1.5, 8.0)))
    engine.close()
    sent = next(one for one in fake.state()["requests"] if one["search"] == "| tstats count")
    assert (sent["earliest_time"], sent["latest_time"], sent["now"]) == ("1.5", "8", "9")


def test_trials_see_their_own_events_only(fake: Fake, connected: Any) -> None:
    instance = connected()
    first, second = SplunkEngine(instance), SplunkEngine(instance)
    first.load(events(3))
    second.load(events(5))
    for engine, count in ((first, "3"), (second, "5")):
        rows = engine._jobs.run("search index=* | stats count", Window()).rows.rows
        assert rows == [{"count": count}]
    first.close()
    second.close()
    instance.close()
    assert left_over(fake) == []


def test_where_roles_cannot_be_made_trials_take_turns(fake: Fake, connected: Any) -> None:
    fake.options(roles=False)
    instance = connected()
    engine = SplunkEngine(instance)
    engine.load(events())
    assert instance.ledger.turn.is_locked
    assert len(engine.search(SEARCH).rows) == 1
    engine.close()
    assert not instance.ledger.turn.is_locked
    instance.close()
    assert left_over(fake) == []


def test_what_a_search_sees_besides_is_said(fake: Fake, connected: Any) -> None:
    fake.options(roles=False)
    instance = connected()
    foreign = {"event": "x", "fields": {}, "seen": 0.0}
    fake.tell("events", [foreign, foreign])
    engine = SplunkEngine(instance)
    engine.load(events())
    told = engine.search(SEARCH).warnings
    assert told == ("2 other events of these indexes are in the search's view: main",)
    engine.close()


def test_events_of_other_trials_in_view_are_an_error(fake: Fake, connected: Any) -> None:
    fake.options(roles=False, delete=False)
    instance = connected()
    first = SplunkEngine(instance)
    first.load(events())
    assert any("may not delete" in one for one in first.search(SEARCH).warnings)
    first.close()
    second = SplunkEngine(instance)
    with pytest.raises(NotIsolated, match="3 events of other trials") as error:
        second.load(events())
    assert "can_delete" in str(error.value)
    second.close()


def test_a_missing_index_is_created_and_removed(fake: Fake, connected: Any) -> None:
    instance = connected()
    engine = SplunkEngine(instance)
    engine.load(events(index="own"))
    assert fake.state()["indexes"] == ["main", "own"]
    engine.close()
    instance.close()
    assert left_over(fake) == []


def test_an_index_that_may_not_be_created_is_named(fake: Fake, connected: Any) -> None:
    fake.options(create_index=False)
    engine = SplunkEngine(connected())
    with pytest.raises(Forbidden, match="no index `own`") as error:
        engine.load(events(index="own"))
    assert "--index" in str(error.value)
    engine.close()


def test_the_rows_of_every_page_are_read(fake: Fake, connected: Any) -> None:
    instance = connected()
    rows = [{"n": str(n), "values": ["a", "b"]} for n in range(25)]
    fake.tell("rows", rows)
    engine = SplunkEngine(instance)
    engine.load(events())
    engine._jobs.page = 10
    assert engine.search(SEARCH).rows.rows == rows
    engine.close()


def test_times_of_rows_become_numbers(fake: Fake, connected: Any) -> None:
    fake.tell("rows", [{"_time": "2022-02-28T10:00:00.500+00:00", "x": ["one"]}])
    engine = SplunkEngine(connected())
    engine.load(events())
    assert engine.search(SEARCH).rows.rows == [{"_time": 1646042400.5, "x": "one"}]
    engine.close()


def test_without_acknowledgements_the_count_is_the_proof(fake: Fake, connected: Any) -> None:
    fake.options(ack=False, index_delay=0.4)
    engine = SplunkEngine(connected(token="right-token", hec_token="right-hec-token"))
    assert engine.load(events()).events == 3
    engine.close()
    assert not any("/data/inputs/http" in line for line in fake.state()["log"])


# Faults


def test_a_wrong_password(fake: Fake, connected: Any) -> None:
    with pytest.raises(Denied, match="does not let `admin` in") as error:
        connected(password="wrong")
    assert "wrong" not in str(error.value).replace("is HARNESS", "")


def test_a_wrong_token(fake: Fake, connected: Any) -> None:
    with pytest.raises(Denied, match="not properly authenticated"):
        connected(token="wrong")


def test_a_wrong_hec_token(fake: Fake, connected: Any) -> None:
    engine = SplunkEngine(connected(hec_token="wrong"))
    with pytest.raises(Denied, match="not valid"):
        engine.load(events())
    engine.close()


def test_a_session_that_expires_is_renewed(fake: Fake, connected: Any) -> None:
    engine = SplunkEngine(connected())
    engine.load(events())
    fake.tell("expire")
    assert len(engine.search(SEARCH).rows) == 1
    engine.close()


def test_a_wrong_port(fake: Fake, connected: Any) -> None:
    with pytest.raises(NoAnswer, match="cannot be reached") as error:
        connected(url="http://127.0.0.1:1")
    assert "8089" in str(error.value)


def test_tls_where_there_is_none(fake: Fake, connected: Any) -> None:
    with pytest.raises(Unverified, match="does not speak TLS"):
        connected(url=fake.url.replace("http:", "https:"))


def test_hec_that_is_disabled(fake: Fake, connected: Any) -> None:
    fake.options(hec=False)
    engine = SplunkEngine(connected())
    with pytest.raises(Rejected, match="takes no events") as error:
        engine.load(events())
    assert "Global Settings" in str(error.value)
    engine.close()


def test_a_token_that_may_not_be_made(fake: Fake, connected: Any) -> None:
    fake.options(token_create=False)
    engine = SplunkEngine(connected())
    with pytest.raises(SplunkFault, match="no HEC token can be made") as error:
        engine.load(events())
    assert "HARNESS_SPLUNK_HEC_TOKEN" in str(error.value)
    engine.close()


@pytest.mark.parametrize("status", [429, 503])
def test_a_full_queue_is_waited_for(fake: Fake, connected: Any, status: int) -> None:
    busy = {"status": status, "body": {"text": "Server is busy", "code": 9}}
    instance = connected()
    assert instance.hec
    fake.fault("/collector/event$", busy, 3)
    engine = SplunkEngine(instance)
    assert engine.load(events()).events == 3
    assert len(fake.state()["events"]) == 3
    engine.close()


def test_a_queue_that_stays_full_is_an_error(fake: Fake, connected: Any) -> None:
    instance = connected()
    instance.hec.busy_seconds = 0.2
    fake.fault("/collector/event$", {"status": 503, "body": {"code": 9}}, 100)
    engine = SplunkEngine(instance)
    with pytest.raises(Rejected, match=r"queue of HEC at .* was full"):
        engine.load(events())
    engine.close()


@pytest.mark.parametrize("roles", [True, False])
@pytest.mark.parametrize("kind", ["reset-before", "reset-after", "half"])
def test_a_batch_of_unknown_fate_counts_once(
    fake: Fake, connected: Any, kind: str, roles: bool
) -> None:
    fake.options(roles=roles)
    instance = connected()
    assert instance.hec
    fake.fault("/collector/event$", kind)
    engine = SplunkEngine(instance)
    assert engine.load(events()).events == 3
    twice = kind != "reset-before"
    assert len(fake.state()["events"]) == (6 if twice and roles else 3)
    rows = engine._jobs.run("search index=* | stats count", Window()).rows.rows
    assert rows == [{"count": "3"}]
    engine.close()
    instance.close()
    assert left_over(fake) == []


def test_an_acknowledgement_that_never_comes(fake: Fake, connected: Any) -> None:
    fake.options(ack_delay=10_000)
    instance = connected()
    instance.hec.ack_seconds = 0.1
    engine = SplunkEngine(instance)
    with pytest.raises(SplunkFault, match="in 4 tries: HEC did not acknowledge"):
        engine.load(events())
    engine.close()
    instance.close()
    assert left_over(fake) == []


@pytest.mark.parametrize("kind", ["reset-before", "reset-after", "half"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "server/info"),
        ("POST", "auth/login"),
        ("POST", r"/jobs$"),
        ("GET", r"/jobs/[^/]+$"),
        ("GET", "/results$"),
        ("POST", "/control$"),
        ("POST", "/ack$"),
        ("GET", "/indexes/"),
        ("POST", "authorization/roles/"),
    ],
)
def test_a_broken_connection_in_any_call(
    fake: Fake, connected: Any, method: str, path: str, kind: str
) -> None:
    fake.fault(path, kind, 1, method)
    instance = connected()
    engine = SplunkEngine(instance)
    engine.load(events())
    fake.fault(path, kind, 1, method)
    assert len(engine.search(SEARCH).rows) == 1
    engine.close()
    instance.close()
    assert left_over(fake) == []


def test_a_job_that_fails_says_why(fake: Fake, connected: Any) -> None:
    text = "Error in 'SearchParser': The search specifies a macro 'gone' that cannot be found."
    fake.options(job_state="FAILED", messages=[{"type": "FATAL", "text": text}])
    engine = SplunkEngine(connected())
    engine.load(events())
    with pytest.raises(SearchFailed, match="macro 'gone'") as error:
        engine.search(SEARCH)
    assert "harness splunk app" in str(error.value)
    engine.close()


def test_a_job_that_never_ends_is_cancelled(fake: Fake, connected: Any) -> None:
    instance = connected()
    engine = SplunkEngine(instance)
    engine.load(events())
    fake.options(job_state="RUNNING")
    engine._jobs.seconds = 0.3
    with pytest.raises(SearchTooLong, match="state RUNNING"):
        engine.search(SEARCH)
    fake.options(job_state="DONE")
    engine.close()
    instance.close()
    assert left_over(fake) == []


def test_messages_are_warnings(fake: Fake, connected: Any) -> None:
    told = [{"type": "WARN", "text": "one"}, {"type": "INFO", "text": "no"}]
    fake.options(messages=told)
    engine = SplunkEngine(connected())
    engine.load(events())
    assert engine.search(SEARCH).warnings == ("one",)
    engine.close()


def test_events_that_never_appear(
    fake: Fake, connected: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "SEARCHABLE_SECONDS", 0.3)
    fake.options(index_delay=60.0)
    engine = SplunkEngine(connected())
    with pytest.raises(SplunkFault, match="0 of 3 events could be found") as error:
        engine.load(events())
    assert "--shift-time" in str(error.value)
    engine.close()


def test_a_table_is_unsupported(fake: Fake, connected: Any, tmp_path: Path) -> None:
    table = EventTable(tmp_path / "x.parquet", Origin())
    with pytest.raises(Unsupported, match=r"x\.parquet"):
        SplunkEngine(connected(), tables=[table])


def test_clean_removes_what_a_killed_run_left(fake: Fake, connected: Any) -> None:
    dead = connected()
    engine = SplunkEngine(dead)
    engine.load(events(index="own"))
    dead.rest.post("/services/search/jobs", search="search harness_x", id=f"{dead.prefix}-left")
    assert len(left_over(fake)) > 5
    # Another process, as it were: the dead one's objects are not asked.
    with dead.ledger.opened() as book:
        book["users"] = []
    from harness.engines.splunk.instance import _OPEN

    _OPEN.clear()
    fresh = connected()
    removed = fresh.clean()
    fresh.close()
    assert "index own" in removed
    assert left_over(fake) == []


def test_two_runs_on_one_instance(fake: Fake) -> None:
    from harness.engines.splunk.instance import Instance as Connected

    one, two = Connected(fake.address()), Connected(fake.address())
    first, second = SplunkEngine(one), SplunkEngine(two)
    first.load(events(3))
    second.load(events(4))
    first.close()
    rows = second._jobs.run("search index=* | stats count", Window()).rows.rows
    assert rows == [{"count": "4"}]
    second.close()
    one.close()
    two.close()
    assert left_over(fake) == []


def test_raw_texts_go_into_an_index_of_the_trial(fake: Fake, connected: Any) -> None:
    instance = connected()
    engine = SplunkEngine(instance, raw=True)
    loaded = engine.load(events(3))
    assert loaded.events == 3
    assert len(engine.search(SEARCH).rows) == 1
    engine.close()
    instance.close()
    assert left_over(fake) == []


@pytest.mark.parametrize("kind", ["reset-before", "reset-after", "half"])
def test_a_raw_request_of_unknown_fate_is_sent_into_a_fresh_index(
    fake: Fake, connected: Any, kind: str
) -> None:
    instance = connected()
    assert instance.hec
    fake.fault("/collector/raw$", kind)
    engine = SplunkEngine(instance, raw=True)
    assert engine.load(events(3)).events == 3
    assert engine._own_index is not None
    assert engine._own_index.endswith("-r2")
    rows = engine._jobs.run("search index=* | stats count", Window()).rows.rows
    assert rows == [{"count": "3"}]
    engine.close()
    instance.close()
    assert left_over(fake) == []
