"""Real event logs with the one Sigma rule that each must match, as SPL over events and data models.

The number of events was counted by another converter and engine.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.engines.base import SearchRequest
from harness.ingest import ingest
from harness.model import Origin, TimeRange
from harness.trials import Project, Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.model import Value

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT.parent / "shared/corpus/sigma_regression"
LISTED = FOLDER / "cases.json"
CASES: list[dict[str, Any]] = json.loads(LISTED.read_text("utf-8")) if LISTED.exists() else []
OF_MODELS = [case for case in CASES if case["spl_datamodel"]]

if not CASES:
    pytest.skip("the folder ../shared/corpus is not there", allow_module_level=True)
pytest.importorskip("evtx")


@pytest.fixture(scope="module")
def project() -> Project:
    return Project(Settings(root=ROOT))


def found(project: Project, case: dict[str, Any], text: str) -> list[Mapping[str, Value]]:
    engine = project.local_engine()
    try:
        engine.load(ingest([FOLDER / case["evtx"]], Origin("main", None, None)))
        return list(engine.search(SearchRequest(text, 2e9, TimeRange())).rows.rows)
    finally:
        engine.close()


@pytest.mark.parametrize("case", CASES, ids=[case["rule_id"] for case in CASES])
def test_a_rule_finds_exactly_the_events_that_it_must(
    project: Project, case: dict[str, Any]
) -> None:
    [row] = found(project, case, f"search {case['spl']} | stats count")
    assert row["count"] == case["matching_events"]


@pytest.mark.parametrize("case", OF_MODELS, ids=[case["rule_id"] for case in OF_MODELS])
def test_a_rule_over_a_data_model_finds_them(project: Project, case: dict[str, Any]) -> None:
    rows = found(project, case, case["spl_datamodel"])
    assert rows
    assert sum(int(str(row["count"])) for row in rows) >= 1
