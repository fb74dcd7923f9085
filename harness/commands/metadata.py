"""metadata: the hosts, sources or source types of the events, with their times and numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.plan.expressions import Const, Expr, Field, some
from harness.plan.nodes import Aggregate, Aggregation, Extend, Filter, Project, Relation
from harness.registry import command
from harness.registry.predicates import compare

if TYPE_CHECKING:
    from harness.registry.context import Context
    from harness.spl.lexer import Token
    from harness.spl.pipeline import Stage

TYPES = {"hosts": "host", "sources": "source", "sourcetypes": "sourcetype"}
OPTIONS = ("type", "splunk_server", "splunk_server_group", "datatype")


@command("metadata")
@dataclass(frozen=True, slots=True)
class Metadata:
    """metadata type=hosts|sources|sourcetypes [index=<index>]…: a row for each.

    It has the name, type, totalCount, firstTime and lastTime; recentTime is absent, since the
    events of a replay have no time of indexing, and a warning says so. Without an index, all
    but those that begin with `_` are looked at. Source: Search Reference, metadata.
    """

    stage: Stage
    kind: str
    indexes: tuple[str, ...]

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the options; index= may come several times."""
        arguments = stage.arguments
        options: dict[str, Token] = {}
        indexes: list[str] = []
        while arguments.at_option():
            if arguments.at_word("index"):
                indexes.append(arguments.option_value().value)
            else:
                options |= arguments.options(OPTIONS, stop=("index",))
        arguments.finish()
        if "datatype" in options and options["datatype"].value.lower() != "event":
            stage.unsupported("metadata of metrics", options["datatype"].span)
        if "type" not in options:
            stage.fail("`metadata` needs type=hosts, sources or sourcetypes")
        return cls(stage, arguments.choice(options["type"], "type", TYPES), tuple(indexes))

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Count the events of each."""
        if rows is not None:
            self.stage.fail("`metadata` must begin a search")
        context.warn("metadata gives no recentTime: events of a replay have no time of indexing")
        wanted: Expr = some(compare("index", "=", name) for name in self.indexes)
        if not self.indexes:
            wanted = compare("index", "!=", "_*")
        name, time = TYPES[self.kind], Field("_time")
        statistics = (
            Aggregation("firstTime", "min", time),
            Aggregation("lastTime", "max", time),
            Aggregation("totalCount", "count"),
        )
        counted = Aggregate(Filter(context.events(), wanted), (name,), statistics)
        typed = Extend(counted, (("type", Const(self.kind)),))
        columns = ("firstTime", name, "lastTime", "totalCount", "type")
        return Project(typed, tuple((column, column) for column in columns))
