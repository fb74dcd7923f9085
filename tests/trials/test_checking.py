"""harness check: what compiles, and every rule of detection files that fires or does not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from harness.trials import Project, Settings, checking
from harness.trials.checking import Checker

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.trials.checking import CheckReport

CORPUS = Path(__file__).parents[3] / "shared" / "corpus" / "security_content"
OLDER = {
    "name": "Temp start",
    "id": "11111111-2222-4333-8444-555555555555",
    "version": 1,
    "date": "2026-01-01",
    "author": "Somebody",
    "status": "production",
    "type": "Anomaly",
    "description": "A process starts.",
    "data_source": ["Sysmon EventID 1"],
    "search": "index=main | stats count by dest user | `temp_start_filter`",
    "tags": {
        "analytic_story": ["Testing"],
        "confidence": 50,
        "impact": 60,
        "message": "Started on $dest$ by $user$.",
        "mitre_attack_id": ["T1059.001"],
        "cve": ["CVE-2021-44228"],
        "observable": [{"name": "dest", "type": "Hostname", "role": ["Victim"]}],
        "product": ["Splunk Enterprise"],
        "security_domain": "endpoint",
    },
    "drilldown_searches": [
        {"name": "For $dest$", "search": "%original_detection_search% | search dest=$dest$"}
    ],
    "tests": [{"name": "one", "attack_data": [{"data": "https://example.com/a.log"}]}],
}
NEWER = {
    **{key: value for key, value in OLDER.items() if key != "tags"},
    "tags": {"analytic_story": ["Testing"], "security_domain": "endpoint"},
    "rba": {
        "message": "Started on $dest$.",
        "risk_objects": [{"field": "dest", "type": "system", "score": 30}],
        "threat_objects": [{"field": "user", "type": "user"}],
    },
}
Change = dict[str, Any]


@pytest.fixture
def check(tmp_path: Path) -> Callable[..., CheckReport]:
    """Check a detection, changed as told, in a content folder of its own."""
    for folder in ("detections", "lookups", "macros", "data_sources", "stories"):
        (tmp_path / folder).mkdir()
    (tmp_path / "data_sources" / "one.yml").write_text(
        "name: Sysmon EventID 1\nsource: s\nsourcetype: XmlWinEventLog\n"
    )
    (tmp_path / "stories" / "testing.yml").write_text("name: Testing\n")

    def run(base: Change = OLDER, change: Change | None = None, drop: str = "") -> CheckReport:
        data = _merged(base, change or {})
        data.pop(drop, None)
        path = tmp_path / "detections" / "temp_start.yml"
        path.write_text(yaml.safe_dump(data, sort_keys=False, width=500))
        project = Project(Settings.read(tmp_path, {}, {}))
        return Checker(project).run(list(project.content.detection_paths))

    return run


def _merged(base: Change, change: Change) -> Change:
    merged = {**base, **change}
    for key in ("tags", "rba"):
        if key in base and key in change:
            merged[key] = {**base[key], **change[key]}
    return {key: value for key, value in merged.items() if value is not None}


@pytest.mark.parametrize("base", [OLDER, NEWER], ids=["v4", "v5"])
def test_a_good_detection_has_nothing_against_it(
    check: Callable[..., CheckReport], base: Change
) -> None:
    assert check(base).to_json() == {
        "checked": 1, "compiled": 1, "unsupported": [], "errors": [], "warnings": [],
    }  # fmt: skip


TOMORROW = (datetime.now(UTC) + timedelta(days=3)).date().isoformat()
WRONG = {
    "unknown key": ({"serch": 1}, "unknown key `serch`", "serch", "`search`"),
    "unknown tag": ({"tags": {"observables": []}}, "unknown key `observables`", "observables", ""),
    "type": ({"type": "Anomoly"}, "unknown type `Anomoly`", "type", "`Anomaly`"),
    "status": ({"status": "produktion"}, "unknown status", "status", "`production`"),
    "domain": ({"tags": {"security_domain": "endpont"}}, "unknown security domain",
               "security_domain", "`endpoint`"),
    "product": ({"tags": {"product": ["Splunk Entreprise"]}}, "unknown product",
                "Splunk Entreprise", "`Splunk Enterprise`"),
    "role": ({"tags": {"observable": [{"name": "dest", "type": "Hostname", "role": ["Victm"]}]}},
             "unknown role `Victm`", "role:", "`Victim`"),
    "technique": ({"tags": {"mitre_attack_id": ["T105"]}}, "`T105` is no ATT&CK technique",
                  "T105", "T1059"),
    "cve": ({"tags": {"cve": ["CVE-21"]}}, "`CVE-21` is no CVE", "CVE-21", ""),
    "no date": ({"date": "2026-13-01"}, "`2026-13-01` is no date", "date:", "YYYY-MM-DD"),
    "future": ({"date": TOMORROW}, "is in the future", "date:", ""),
    "no id": ({"id": None}, "a detection needs `id`", "", "UUID"),
    "id": ({"id": "1234"}, "`1234` is no UUID", "id:", ""),
    "version": ({"version": "one"}, "the version `one`", "version:", ""),
    "filter": ({"search": "index=main | stats count by dest user"}, "lacks its filter macro",
               "search:", "temp_start_filter"),
    "file name": ({"name": "Temp begin", "search": "index=main | stats count by dest user"
                   " | `temp_begin_filter`"}, "the file is called temp_start.yml", "name:",
                  "temp_begin.yml"),
    "story": ({"tags": {"analytic_story": ["Tasting"]}}, "unknown story `Tasting`", "Tasting",
              "`Testing`"),
    "confidence": ({"tags": {"confidence": 150}}, "`confidence` is 150", "confidence:", ""),
    "risk object": ({"tags": {"observable": [{"name": "dst", "type": "Hostname",
                                              "role": ["Victim"]}]}},
                    "the risk object's field `dst` does not come out", "name: dst", "`dest`"),
    "message": ({"tags": {"message": "On $dset$."}}, "the message's field `dset`", "message:",
                "`dest`"),
    "no risk": ({"tags": {"observable": []}}, "without a risk object creates no risk", "type:", ""),
    "no test": ({"tests": None}, "a detection in production needs a test", "status:", ""),
    "drilldown": ({"drilldown_searches": [{"name": "For $dest$", "search": "index=a | `nope`"}]},
                  "the drilldown `For $dest$`: unknown macro `nope`", "search: index=a", ""),
    "macro": ({"search": "`nope` | stats count by dest user | `temp_start_filter`"},
              "unknown macro `nope`", "`nope`", ""),
    "lookup": ({"search": "index=main | lookup nope dest | stats count by dest user"
                " | `temp_start_filter`"}, "unknown lookup `nope`", "nope", ""),
    "inputlookup": ({"search": "index=main NOT [| inputlookup nope] | stats count by dest user"
                     " | `temp_start_filter`"}, "there is no lookup `nope`", "search:", ""),
    "syntax": ({"search": "index=main | stats cuont by dest user | `temp_start_filter`"},
               "cuont", "cuont", "`count`"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "reason", "at", "hint"), WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_is_an_error_at_its_place(
    check: Callable[..., CheckReport], tmp_path: Path, change: Change, reason: str, at: str,
    hint: str,
) -> None:  # fmt: skip
    report = check(OLDER, change)
    found = [one for one in report.errors if reason in one.reason]
    assert len(found) == 1, report.errors
    assert hint in " ".join(found[0].hints)
    if at:
        text = (tmp_path / "detections" / "temp_start.yml").read_text().splitlines()
        assert found[0].line is not None
        assert found[0].column is not None
        assert at in text[found[0].line - 1][found[0].column - 1 :], found[0]


NEWER_WRONG = {
    "score": ({"rba": {"risk_objects": [{"field": "dest", "type": "system", "score": 101}]}},
              "the score is 101"),
    "object type": ({"rba": {"risk_objects": [{"field": "dest", "type": "sytem", "score": 1}]}},
                    "unknown risk object type `sytem`"),
    "threat object": ({"rba": {"threat_objects": [{"field": "usr", "type": "user"}]}},
                      "the threat object's field `usr`"),
    "hunting": ({"type": "Hunting"}, "a Hunting detection creates no risk"),
    "no message": ({"rba": {"message": ""}}, "the risk has no message"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "reason"), NEWER_WRONG.values(), ids=NEWER_WRONG.keys())
def test_what_is_wrong_in_a_block_of_risk(
    check: Callable[..., CheckReport], change: Change, reason: str
) -> None:
    report = check(NEWER, change)
    assert [reason in one.reason for one in report.errors] == [True], report.errors


ODD = {
    "data source": ({"data_source": ["Sysmon EventID 1 AND Sysmon 2"]}, "data source `Sysmon 2`"),
    "half a token": ({"tags": {"message": "On $dest$ by $user"}}, "`$user` with one `$`"),
    "score": ({"tags": {"risk_score": 5}}, "`risk_score` says 5"),
    "author": ({"author": None}, "a detection needs `author`"),
    "experimental": ({"status": "experimental", "tags": {"message": "On $dset$."}}, "`dset`"),
    "columns of the data": ({"search": "index=main | `temp_start_filter`"}, "field `dest`"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "reason"), ODD.values(), ids=ODD.keys())
def test_what_is_odd_is_a_warning(
    check: Callable[..., CheckReport], change: Change, reason: str
) -> None:
    report = check(OLDER, change)
    assert not report.errors
    assert any(reason in one.reason for one in report.warnings), report.warnings


@pytest.mark.parametrize(
    "change",
    [
        {"status": "experimental", "tests": None},
        {"type": "Correlation", "tests": None},
        {"tests": None, "tags": {"manual_test": "by hand"}},
        {"drilldown_searches": [{"name": "x y z", "search": "| from datamodel:Risk.All_Risk"}]},
        {"search": "index=main user=* dest=* | `temp_start_filter`"},
        {"search": "index=main | transaction dest user | `temp_start_filter`"},
    ],
)
def test_what_is_fine(check: Callable[..., CheckReport], change: Change) -> None:
    assert check(OLDER, change).errors == []


def test_what_is_unsupported_is_no_error(check: Callable[..., CheckReport]) -> None:
    search = "index=main | stats count by dest user | fit DensityFunction x | `temp_start_filter`"
    report = check(OLDER, {"search": search})
    assert (report.compiled, report.errors) == (0, [])
    (found,) = report.unsupported
    assert "fit" in found.reason
    assert found.line is not None


def test_a_file_that_is_no_detection_is_an_error_of_its_own(
    check: Callable[..., CheckReport], tmp_path: Path
) -> None:
    (tmp_path / "detections" / "broken.yml").write_text("name: [\n")
    (tmp_path / "detections" / "empty.yml").write_text("")
    report = check(OLDER)
    assert (report.checked, report.compiled) == (3, 1)
    assert [Path(one.file).name for one in report.errors] == ["broken.yml", "empty.yml"]
    assert report.errors[0].line == 2


def test_names_and_ids_are_unique_in_the_whole_folder(
    check: Callable[..., CheckReport], tmp_path: Path
) -> None:
    folder = tmp_path / "detections" / "other"
    folder.mkdir()
    (folder / "temp_start.yml").write_text(yaml.safe_dump(OLDER, width=500))
    report = check(OLDER)
    assert sorted(one.reason for one in report.errors) == [
        "the id `11111111-2222-4333-8444-555555555555` is that of temp_start.yml too",
        "the id `11111111-2222-4333-8444-555555555555` is that of temp_start.yml too",
        "the name `Temp start` is that of temp_start.yml too",
        "the name `Temp start` is that of temp_start.yml too",
    ]
    project = Project(Settings.read(tmp_path, {}, {}))
    alone = Checker(project).run([folder / "temp_start.yml"], knowledge=False)
    assert len(alone.errors) == 2


def test_knowledge_is_checked_once_for_all_detections(
    check: Callable[..., CheckReport], tmp_path: Path
) -> None:
    (tmp_path / "lookups" / "hosts.csv").write_text("host,owner\na,b\nc\n")
    (tmp_path / "macros" / "bad.yml").write_text("name: bad\n")
    (tmp_path / "data_sources" / "bad.yml").write_text("source: x\n")
    found = {Path(one.file).name: one for one in check(OLDER).errors}
    assert set(found) == {"hosts.csv", "bad.yml"}
    assert found["hosts.csv"].line == 3
    assert "1 cells and the header 2" in found["hosts.csv"].reason


def test_an_error_within_a_macro_is_told_at_the_search(
    check: Callable[..., CheckReport], tmp_path: Path
) -> None:
    (tmp_path / "macros" / "mine.yml").write_text("name: mine\ndefinition: stats cuont\n")
    report = check(OLDER, {"search": "index=main | `mine` | `temp_start_filter`"})
    (found,) = report.errors
    assert "macro mine" in " ".join(found.hints)
    assert found.line == 11


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus is not here")
def test_detections_of_security_content_compile() -> None:
    project = Project(Settings.read(CORPUS, {}, {}))
    paths = sorted((CORPUS / "detections" / "endpoint").glob("windows_a*.yml"))
    report = Checker(project).run(paths, knowledge=False)
    assert report.checked == len(paths)
    assert report.compiled >= 0.85 * len(paths)


def test_several_processes_report_what_one_does(
    check: Callable[..., CheckReport], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check()
    text = (tmp_path / "detections" / "temp_start.yml").read_text()
    for number in range(40):
        wrong = text.replace("stats count", "stats cuont" if number % 3 else "stats count")
        (tmp_path / "detections" / f"other_{number:02}.yml").write_text(wrong)

    def report(small: int) -> dict[str, Any]:
        monkeypatch.setattr(checking, "SMALL", small)
        monkeypatch.setattr(checking, "cores", lambda: 2)
        project = Project(Settings.read(tmp_path, {}, {}))
        return Checker(project).run(list(project.content.detection_paths)).to_json()

    alone = report(1_000)
    assert alone == report(5)
    assert (alone["checked"], alone["compiled"]) == (41, 15)
