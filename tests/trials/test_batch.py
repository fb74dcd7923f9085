"""harness batch: each count is that of `harness search`, however the searches are dealt out."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING, Any

import pytest

from harness.errors import HarnessError
from harness.ingest import ingest
from harness.trials import Project, Settings, batch
from harness.trials.batch import BadSearches, Batch, BatchSearch, dealt, detections_of, searches_in
from harness.trials.loading import opened, request_for, told_of_data

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

EVENT = (
    "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>"
    "<Provider Name='Microsoft-Windows-Sysmon'/><EventID>1</EventID>"
    "<TimeCreated SystemTime='2022-01-01T00:00:{n:02}Z'/>"
    "<Channel>Microsoft-Windows-Sysmon/Operational</Channel><Computer>H{host}</Computer></System>"
    "<EventData><Data Name='Image'>C:\\Temp\\t{n}.exe</Data><Data Name='User'>u{user}</Data>"
    "<Data Name='CommandLine'>t{n}.exe -x</Data></EventData></Event>\n"
)
SEARCHES = [
    "search index=main",
    "search EventID=1 | stats count by Computer",
    "search EventID=1 User=u1 | table Image",
    "| tstats count from datamodel=Endpoint.Processes by Processes.dest",
    "| tstats count from datamodel=Endpoint.Processes where Processes.user=u2",
    "| tstats count from datamodel=Endpoint.Processes by Processes.process | head 3",
    "search index=main | lookup owners Computer OUTPUT owner | search owner=* | stats dc(owner)",
    "| inputlookup owners",
    "search index=nothing",
    "search index=main | stats cuont",
    "search index=main | fit x",
    "search index=main | table *",
    "search index=main [search User=u0 | head 1 | table Computer]",
    "search index=main | stats count by User | outputlookup made.csv",
    "| inputlookup made.csv",
    "search earliest=-5s | table _time",
    "| from datamodel:Endpoint.Processes",
]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    data = tmp_path / "events.xml"
    data.write_text("".join(EVENT.format(n=n, host=n % 3, user=n % 4) for n in range(12)))
    content = tmp_path / "content"
    (content / "lookups").mkdir(parents=True)
    (content / "lookups" / "owners.yml").write_text("name: owners\nfilename: owners.csv\n")
    (content / "lookups" / "owners.csv").write_text("Computer,owner\nH0,ann\nH1,bob\n")
    (content / "detections").mkdir()
    return Project(Settings.read(tmp_path, {"content": content, "data": (data,)}, {}))


def searched(project: Project, spl: str) -> tuple[str, int]:
    """The status and the number of rows that a search alone has, with an engine of its own."""
    origin = told_of_data(project)
    files, tables = opened(project, project.settings.data, origin)
    engine = project.local_engine(tables=tables)
    try:
        loaded = engine.load(ingest(files, origin, losses=[]))
        return "ok", len(engine.search(request_for(project, spl, loaded.newest)).rows)
    except HarnessError as error:
        return "unsupported" if type(error).__name__ == "Unsupported" else "error", 0
    finally:
        engine.close()


def ran(project: Project, spls: Sequence[str], jobs: int) -> list[tuple[str, int]]:
    work = Batch(project, jobs=jobs)
    found = work.run([BatchSearch(str(n), spl) for n, spl in enumerate(spls)])
    assert [one.id for one in found] == [str(n) for n in range(len(spls))]
    assert work.events == 12
    return [(one.status, one.result_count) for one in found]


@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_counts_are_those_of_the_searches_alone(
    project: Project, jobs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "SMALL", 4)
    alone = [searched(project, spl) for spl in SEARCHES]
    assert {status for status, _ in alone} == {"ok", "unsupported", "error"}
    assert ran(project, SEARCHES, jobs) == alone


def test_reasons_places_and_warnings(project: Project) -> None:
    searches = [
        BatchSearch("a", "search index=main | stats cuont"),
        BatchSearch("b", "search index=main | fit x"),
        BatchSearch("a", "search index=main"),
    ]
    wrong, missing, fine = Batch(project, jobs=1).run(searches)
    assert wrong.to_json() == {
        "id": "a", "name": "", "result_count": 0, "status": "error",
        "reason": wrong.reason, "place": "search:1:27", "hints": ["did you mean `count`?"],
    }  # fmt: skip
    assert "cuont" in wrong.reason
    assert (missing.status, fine.status, fine.result_count) == ("unsupported", "ok", 12)


def test_a_detection_s_error_has_its_place_in_the_file(project: Project) -> None:
    path = project.content.root / "detections" / "one.yml"
    path.write_text("name: one\ntype: TTP\nsearch: >-\n  index=main\n  | cuont\ntags: {}\n")
    searches, _ = detections_of(project, None)
    (one,) = Batch(project).run(searches)
    assert one.place == f"{path}:5:5"


def test_a_limit_that_cut_something_is_a_warning(tmp_path: Path, project: Project) -> None:
    (tmp_path / "pyproject.toml").write_text(
        "[tool.detection-harness.limits]\nsubsearch_rows = 1\n"
    )
    flags = {"content": project.settings.content, "data": project.settings.data}
    limited = Project(Settings.read(tmp_path, flags, {}))
    spl = "search index=main [search index=main | table Image]"
    (one,) = Batch(limited).run([BatchSearch("a", spl)])
    assert one.result_count == 1
    assert "more than 1 rows" in one.to_json()["warnings"][0]


def test_a_defect_ends_one_search_only(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    from harness.engines.duckdb import DuckDBEngine

    real = DuckDBEngine.count

    def count(engine: DuckDBEngine, request: Any) -> Any:
        if request.text == "boom":
            raise KeyError("boom")
        return real(engine, request)

    monkeypatch.setattr(DuckDBEngine, "count", count)
    first, second = Batch(project).run([BatchSearch("1", "boom"), BatchSearch("2", "index=main")])
    assert first.reason == "a defect of the harness: KeyError: 'boom'"
    assert (first.status, second.result_count) == ("error", 12)


@pytest.mark.parametrize("fault", ["killed", "error"])
def test_a_process_that_ends_is_noticed(
    project: Project, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    parent = os.getpid()

    def made(self: Project, *arguments: Any, **options: Any) -> Any:
        if os.getpid() != parent and fault == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        raise ValueError("no engine")

    monkeypatch.setattr(batch, "SMALL", 1)
    monkeypatch.setattr(Project, "local_engine", made)
    message = "ended from outside" if fault == "killed" else "ValueError: no engine"
    with pytest.raises(HarnessError, match=message):
        Batch(project, jobs=2).run([BatchSearch("1", "index=main"), BatchSearch("2", "index=a")])


def test_searches_of_one_data_set_go_to_one_process() -> None:
    searches = [
        BatchSearch(str(n), f"| tstats count from datamodel={'Web' if n % 2 else 'Endpoint'}")
        for n in range(10)
    ]
    shares = dealt(searches, 2)
    assert [{number % 2 for number, _ in share} for share in shares] == [{0}, {1}]
    assert dealt([], 2) == [[]]
    assert sum(map(len, dealt(searches, 7))) == 10


def test_detections_by_glob_and_those_that_cannot_be_read(project: Project) -> None:
    folder = project.content.root / "detections" / "endpoint"
    folder.mkdir()
    text = "name: {0}\ntype: TTP\nsearch: index=main {0}\ntags: {{}}\n"
    for name in ("one", "two"):
        (folder / f"{name}.yml").write_text(text.format(name))
    (folder / "bad.yml").write_text("name: [\n")
    searches, unread = detections_of(project, None)
    assert [(one.id, one.name, one.spl) for one in searches] == [
        ("one", "one", "index=main one"), ("two", "two", "index=main two"),
    ]  # fmt: skip
    assert [(one.id, one.status) for one in unread] == [("bad", "error")]
    assert "bad.yml:2:1" in unread[0].place
    for pattern, found in (("t*", ["two"]), ("endpoint/o*", ["one"]), ("*.yml", ["one", "two"])):
        assert [one.id for one in detections_of(project, pattern)[0]] == found


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "no JSON"),
        ("[]", "an `id` and an `spl`"),
        ('{"id": 1}', "an `id` and an `spl`"),
        ('{"id": 1, "spl": 2}', "an `id` and an `spl`"),
        ('{"id": 1, "spl": "' + "x" * 1_000_001 + '"}', "too long"),
        ("[" * 100_000, "no JSON"),
        (b"\xff\xfe\x00", "cannot be read"),
    ],
)
def test_bad_files_of_searches(tmp_path: Path, text: str | bytes, message: str) -> None:
    path = tmp_path / "searches.jsonl"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(BadSearches, match=message):
        searches_in(path)


def test_searches_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "searches.jsonl"
    lines = [json.dumps({"id": 7, "spl": "index=a"}), "", json.dumps({"id": "b", "spl": "x"})]
    path.write_text("\n".join(lines), encoding="utf-8-sig")
    assert [(one.id, one.spl) for one in searches_in(path)] == [("7", "index=a"), ("b", "x")]
