"""Real detections on real data: whether each fires as it must, and on how many events."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

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


@cache
def project() -> Project:
    return Project(Settings(root=ROOT, content=CONTENT))


def fault(pair: dict[str, Any]) -> str:
    """What is wrong with the answer to a pair; empty where it is right."""
    detection = read_detection(CONTENT / pair["detection_file"])
    engine = project().local_engine()
    try:
        paths = project().store().opened(CORPUS / pair["file"])
        engine.load(ingest(paths, Origin("main", None, None), project().apps))
        rows = engine.search(SearchRequest(detection.search, 2e9, TimeRange())).rows.rows
    finally:
        engine.close()
    if bool(rows) is not pair["fires"]:
        return f"{len(rows)} rows, but it {'fires' if pair['fires'] else 'must not fire'}"
    # Later stages of the others leave some of the events out.
    if rows and "count" in rows[0] and pair["kind"] == "filter-only":
        counted = sum(int(str(row["count"])) for row in rows)
        if counted != pair["base_matching_events"]:
            return f"{counted} events, not {pair['base_matching_events']}"
    return ""
