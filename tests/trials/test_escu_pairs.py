"""Real detections on real data: whether each fires, and on how many events."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from harness.content import read_detection
from harness.engines.base import SearchRequest
from harness.ingest import ingest
from harness.model import Origin, TimeRange
from harness.trials import Project, Settings

ROOT = Path(__file__).resolve().parents[2]
CORPUS = ROOT.parent / "shared/corpus"
CONTENT = CORPUS / "security_content"
LISTED = CORPUS / "escu_pairs.json"
PAIRS: list[dict[str, Any]] = json.loads(LISTED.read_text("utf-8")) if LISTED.exists() else []

if not PAIRS:
    pytest.skip("the folder ../shared/corpus is not there", allow_module_level=True)


@cache
def project() -> Project:
    return Project(Settings(root=ROOT, content=CONTENT))


@pytest.mark.parametrize(
    "pair",
    PAIRS,
    ids=[f"{Path(one['detection_file']).stem}-{Path(one['file']).stem}" for one in PAIRS],
)
def test_a_detection_fires_as_it_must(pair: dict[str, Any]) -> None:
    if pair["file"].endswith(".evtx"):
        pytest.importorskip("evtx")
    detection = read_detection(CONTENT / pair["detection_file"])
    engine = project().local_engine()
    try:
        paths = project().store().opened(CORPUS / pair["file"])
        engine.load(ingest(paths, Origin("main", None, None), project().apps))
        rows = engine.search(SearchRequest(detection.search, 2e9, TimeRange())).rows.rows
    finally:
        engine.close()
    assert bool(rows) is pair["fires"]
    # Later stages of the others leave some of the events out.
    if rows and "count" in rows[0] and pair["kind"] == "filter-only":
        assert sum(int(str(row["count"])) for row in rows) == pair["base_matching_events"]
