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

    from _pytest.mark.structures import ParameterSet

    from harness.model import Value

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT.parent / "shared/corpus/sigma_regression"
LISTED = FOLDER / "cases.json"
CASES: list[dict[str, Any]] = json.loads(LISTED.read_text("utf-8")) if LISTED.exists() else []
OF_MODELS = [case for case in CASES if case["spl_datamodel"]]

# `Details` is `DWORD (0x00000001)`; the data model holds `0x00000001`, which is what the add-on
# gives and what security_content's detections ask for.
WHOLE_DETAILS = dict.fromkeys(
    [
        "37b437cf-3fc5-4c8e-9c94-1d7c9aff842b",
        "974515da-6cc5-4c95-ae65-f97f9150ec7f",
        "3ae1a046-f7db-439d-b7ce-b8b366b81fa6",
    ],
    "the conversion expects Details as registry_value_data",
)

if not CASES:
    pytest.skip("the folder ../shared/corpus is not there", allow_module_level=True)
pytest.importorskip("evtx")


@pytest.fixture(scope="module")
def project() -> Project:
    return Project(Settings(root=ROOT))


def found(project: Project, case: dict[str, Any], text: str) -> list[Mapping[str, Value]]:
    engine = project.local_engine()
    try:
        engine.load(ingest([FOLDER / case["evtx"]], Origin("main", None, None), project.apps))
        return list(engine.search(SearchRequest(text, 2e9, TimeRange())).rows.rows)
    finally:
        engine.close()


def params(cases: list[dict[str, Any]], failing: Mapping[str, str]) -> list[ParameterSet]:
    return [
        pytest.param(
            case,
            id=case["rule_id"],
            marks=[pytest.mark.xfail(strict=True, reason=failing[case["rule_id"]])]
            if case["rule_id"] in failing
            else [],
        )
        for case in cases
    ]


@pytest.mark.parametrize("case", params(CASES, {}))
def test_a_rule_finds_exactly_the_events_that_it_must(
    project: Project, case: dict[str, Any]
) -> None:
    [row] = found(project, case, f"search {case['spl']} | stats count")
    assert row["count"] == case["matching_events"]


@pytest.mark.parametrize("case", params(OF_MODELS, WHOLE_DETAILS))
def test_a_rule_over_a_data_model_finds_them(project: Project, case: dict[str, Any]) -> None:
    rows = found(project, case, case["spl_datamodel"])
    assert rows
    assert sum(int(str(row["count"])) for row in rows) >= 1
