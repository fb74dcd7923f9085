"""splunk-sdk, unmodified, against a server process."""

from __future__ import annotations

import time
from typing import Any

import pytest
from serving import CHANNEL, PASSWORD, Served, served, stateful

client = pytest.importorskip("splunklib.client")
binding = pytest.importorskip("splunklib.binding")
results = pytest.importorskip("splunklib.results")
pytestmark = [
    # Clients leave their sockets to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def service(served: Served) -> Any:
    connected = client.connect(
        host="127.0.0.1", port=served.rest, username="admin", password=PASSWORD
    )
    connected.indexes.create("sdk")
    body = "\n".join(f"2026-01-01T00:00:00Z n={n} user=u{n % 3}" for n in range(250))
    served.send(body, "raw", index="sdk", sourcetype="lines", source="s", host="h")
    return connected


def rows(stream: Any) -> list[Any]:
    return [one for one in results.JSONResultsReader(stream) if isinstance(one, dict)]


def test_login_is_refused_with_a_wrong_password(served: Served) -> None:
    with pytest.raises(binding.AuthenticationError):
        client.connect(host="127.0.0.1", port=served.rest, username="admin", password="wrong one")


def test_what_the_server_says_of_itself(service: Any) -> None:
    assert service.restart_required is False
    assert service.settings["httpport"] == "8000"
    assert service.settings["enableSplunkWebSSL"] == "0"
    assert service.splunk_version >= (9, 0, 2)
    assert "SA_harness_cim" in service.apps
    assert "SplunkEnterpriseSecuritySuite" not in service.apps


def test_indexes(service: Any) -> None:
    assert service.indexes["sdk"]["totalEventCount"] == "250"
    with pytest.raises(binding.HTTPError, match="already exists"):
        service.indexes.create("sdk")
    with pytest.raises(KeyError):
        service.indexes["nothing"]
    service.indexes.create("short_lived")
    service.indexes.delete("short_lived")
    assert "short_lived" not in service.indexes


def test_oneshot_blocking_normal_and_export(service: Any) -> None:
    counted = rows(
        service.jobs.oneshot("search index=sdk | stats count by user", output_mode="json")
    )
    assert [(row["user"], row["count"]) for row in counted] == [
        ("u0", "84"),
        ("u1", "83"),
        ("u2", "83"),
    ]
    job = service.jobs.create("search index=sdk | table n", exec_mode="blocking")
    assert (job["isDone"], job["resultCount"], job["dispatchState"]) == ("1", "250", "DONE")
    normal = service.jobs.create("search index=sdk | head 7")
    while not normal.is_done():
        time.sleep(0.05)
    assert len(rows(normal.results(output_mode="json"))) == 7
    assert len(rows(normal.events(output_mode="json"))) == 7
    exported = rows(service.jobs.export("search index=sdk | table n", output_mode="json"))
    assert len(exported) == 250


def test_pages(service: Any) -> None:
    job = service.jobs.create("search index=sdk | table n", exec_mode="blocking")
    pages = [rows(job.results(output_mode="json", count=100, offset=at)) for at in (0, 100, 200)]
    assert [len(page) for page in pages] == [100, 100, 50]
    assert len({row["n"] for page in pages for row in page}) == 250
    assert len(rows(job.results(output_mode="json", count=0))) == 250
    assert len(rows(job.results(output_mode="json"))) == 100


def test_a_cancelled_job_is_gone(service: Any) -> None:
    job = service.jobs.create("search index=sdk")
    job.cancel()
    with pytest.raises(binding.HTTPError, match="404"):
        service.job(job.sid)


def test_a_running_job_is_paused_finalized_and_outlives_its_time(service: Any) -> None:
    job = service.jobs.create("search index=sdk | stats count", exec_mode="blocking")
    assert job.set_ttl(50) is job
    assert job.touch() is job
    assert job.finalize() is job
    assert job.refresh()["ttl"] == "50"
    assert [one.sid for one in service.jobs if one.sid == job.sid] == [job.sid]
    assert rows(job.preview(output_mode="json")) == [{"count": "250"}]
    assert job.search is not None


def test_a_wrong_search_is_refused_with_its_place(service: Any) -> None:
    with pytest.raises(binding.HTTPError, match="unknown command `nosuch`"):
        service.jobs.create("search index=sdk | nosuch")


def test_saved_searches(service: Any) -> None:
    saved = service.saved_searches.create("every user", "search index=sdk | stats count")
    job = saved.dispatch()
    while not job.is_done():
        time.sleep(0.05)
    assert rows(job.results(output_mode="json")) == [{"count": "250"}]
    assert [one.sid for one in saved.history()] == [job.sid]
    saved.update(search="search index=sdk | head 1")
    assert service.saved_searches["every user"]["search"] == "search index=sdk | head 1"
    service.saved_searches.delete("every user")
    assert "every user" not in service.saved_searches


def test_a_saved_search_may_have_a_slash_in_its_name(service: Any) -> None:
    service.saved_searches.create("a / b", "search index=sdk")
    assert service.saved_searches["a / b"]["search"] == "search index=sdk"
    service.saved_searches.delete("a / b")
    assert "a / b" not in service.saved_searches


def test_users_and_roles(served: Served, service: Any) -> None:
    service.roles.create("sdk_readers", capabilities=["search"], srchIndexesAllowed=["sdk"])
    assert service.roles["sdk_readers"].capabilities == ["search"]
    service.roles["sdk_readers"].grant("run_collect")
    assert service.roles["sdk_readers"].capabilities == ["search", "run_collect"]
    service.roles["sdk_readers"].revoke("run_collect")
    assert "delete_by_keyword" in service.capabilities
    made = service.users.create("sdk_user", password="what a long one", roles=["sdk_readers"])
    assert [role.name for role in made.role_entities] == ["sdk_readers"]
    theirs = client.connect(
        host="127.0.0.1", port=served.rest, username="sdk_user", password="what a long one"
    )
    found = theirs.jobs.oneshot("search index=sdk n=1 | stats count", output_mode="json")
    assert rows(found) == [{"count": "1"}]
    with pytest.raises(binding.HTTPError, match="403"):
        theirs.indexes.create("not_by_them")
    service.users.delete("sdk_user")
    service.roles.delete("sdk_readers")
    assert "sdk_user" not in service.users
    with pytest.raises(binding.AuthenticationError):
        theirs.jobs.oneshot("search index=sdk")


def test_tokens_and_delete_need_what_splunk_asks(served: Served, service: Any) -> None:
    service.indexes.create("gone")
    token = service.inputs.create("del", "http", index="gone", indexes="gone", useACK=True).token
    headers = {"X-Splunk-Request-Channel": CHANNEL}
    assert served.send("a=1\na=2\nb=3", "raw", token=token, headers=headers).json()["ackId"] == 0
    with pytest.raises(binding.HTTPError, match="insufficient privileges"):
        service.jobs.oneshot("search index=gone a=1 | delete")
    service.roles.post("admin", imported_roles=["user", "power", "can_delete"])
    assert service.roles["admin"].imported_roles == ["user", "power", "can_delete"]
    deleted = rows(service.jobs.oneshot("search index=gone a=* | delete", output_mode="json"))
    assert [(row["index"], row["deleted"]) for row in deleted] == [("__ALL__", "2"), ("gone", "2")]
    assert rows(service.jobs.oneshot("search index=gone | stats count", output_mode="json")) == [
        {"count": "1"}
    ]
    with pytest.raises(binding.HTTPError, match="only be the last"):
        service.jobs.oneshot("search index=gone | delete | head 1")
    with pytest.raises(binding.HTTPError, match="delete"):
        service.jobs.oneshot("search index=gone | stats count | delete")
