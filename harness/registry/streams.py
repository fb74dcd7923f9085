"""Which searches stream: events pass through them one by one, in the order of time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.plan import nodes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.spl.pipeline import Pipeline

STREAMING = (nodes.Filter, nodes.Extend, nodes.Project, nodes.Join, nodes.Explode, nodes.Unfold)


def streams(rows: nodes.Relation) -> bool:
    """Whether rows are events as they were read, filtered and changed one by one."""
    while isinstance(rows, STREAMING):
        rows = rows.input
    if isinstance(rows, nodes.Sort):
        return isinstance(rows.input, nodes.Union) and all(map(streams, rows.input.inputs))
    return isinstance(rows, nodes.Scan)


def writes_table(pipeline: Pipeline) -> bool:
    """Whether a search makes a table, which does not stream though its rows are events."""
    return any(stage.name.lower() == "table" for stage in pipeline.stages)


def interleaved(inputs: Sequence[nodes.Relation]) -> nodes.Relation:
    """The rows of several searches that stream, newest first."""
    key = nodes.SortKey("_time", descending=True, mode="num")
    return nodes.Sort(nodes.Union(tuple(inputs)), (key,))
