"""Real detections on real data: whether each fires, and on how many events."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from escu_pairs import PAIRS, fault

if not PAIRS:
    pytest.skip("the folder ../shared/corpus is not there", allow_module_level=True)


@pytest.mark.parametrize(
    "pair",
    PAIRS,
    ids=[f"{Path(one['detection_file']).stem}-{Path(one['file']).stem}" for one in PAIRS],
)
def test_a_detection_fires_as_it_must(pair: dict[str, Any]) -> None:
    if pair["file"].endswith(".evtx"):
        pytest.importorskip("evtx")
    assert fault(pair) == ""
