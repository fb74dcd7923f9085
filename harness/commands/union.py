"""union: the rows of several searches and data sets, as one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.plan.nodes import Relation
from harness.plan.nodes import Union as UnionNode
from harness.registry import command
from harness.registry.datasets import DataSetName, data_set_rows, take_data_set
from harness.registry.streams import interleaved, streams, writes_table
from harness.registry.subsearches import TIMES, accept_subsearch, most_rows
from harness.spl.source import Span

if TYPE_CHECKING:
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage


@command("union")
@dataclass(frozen=True, slots=True)
class Union:
    """union [maxout=<n>] [maxtime=<n>] [timeout=<n>] (<subsearch> | <kind>:<name>)….

    Begins a search with two data sets or more, or adds them to the rows so far. Where all of
    them stream, their events are interleaved by time; otherwise their rows follow one another,
    and a subsearch gives 50,000 at most (`maxout`), with a warning. Source: Search Reference,
    union.
    """

    stage: Stage
    most: int | None
    data_sets: tuple[Span | DataSetName, ...]

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the options, the subsearches and the names."""
        arguments = stage.arguments
        options = arguments.options(("maxout", *TIMES))
        for name in TIMES:
            if name in options:
                arguments.integer(options[name], name)
        most = most_rows(arguments, options, 0) or None
        found: list[Span | DataSetName] = []
        while not arguments.done:
            if arguments.accept(","):
                continue
            span = accept_subsearch(arguments)
            found.append(span if span is not None else take_data_set(arguments))
        if not found:
            arguments.fail("`union` needs a subsearch or a data set")
        return cls(stage, most, tuple(found))

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Interleave what streams, else put one after the other."""
        if rows is None and len(self.data_sets) == 1:
            self.stage.fail("`union` at the start of a search needs two data sets or more")
        found = [rows] if rows is not None else []
        given = len(found)
        table = False
        for one in self.data_sets:
            if isinstance(one, Span):
                pipeline = self.stage.pipeline(one)
                table = table or writes_table(pipeline)
                found.append(context.lowered(pipeline))
            else:
                found.append(data_set_rows(one, self.stage, context))
        if not table and all(map(streams, found)):
            return interleaved(found)
        most = self.most or context.limits.append_rows
        for number, one in enumerate(self.data_sets, start=given):
            if isinstance(one, Span):
                found[number] = context.bounded(found[number], most, "the subsearch of union")
        return UnionNode(tuple(found))
