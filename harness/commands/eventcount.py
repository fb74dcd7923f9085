"""eventcount: how many events the indexes hold, at any time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.plan.expressions import some
from harness.plan.nodes import Aggregate, Aggregation, Filter, Project, Relation, Scan
from harness.registry import command
from harness.registry.predicates import compare

if TYPE_CHECKING:
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage

FLAGS = ("summarize", "report_size", "list_vix", "list_federated_remote")


@command("eventcount")
@dataclass(frozen=True, slots=True)
class Eventcount:
    """eventcount [summarize=<bool>] [index=<index>]…: one count, or one for each index.

    Names of indexes may be patterns; without one all but those that begin with `_` count. The
    time range does not matter. With summarize=false a row has `count` and `index`; `server` is
    absent, and a warning says so. Unsupported: report_size. Source: Search Reference, eventcount.
    """

    stage: Stage
    summarize: bool
    indexes: tuple[str, ...]

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the options; index= may come several times."""
        arguments = stage.arguments
        summarize, indexes = True, list[str]()
        while arguments.at_option():
            if arguments.at_word("index"):
                indexes.append(arguments.option_value().value)
                continue
            for name, token in arguments.options(FLAGS, stop=("index",)).items():
                value = arguments.boolean(token, name)
                if name == "summarize":
                    summarize = value
                elif name == "report_size" and value:
                    stage.unsupported("eventcount with report_size=true", token.span)
        arguments.finish()
        return cls(stage, summarize, tuple(indexes))

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Count the events."""
        if rows is not None:
            self.stage.fail("`eventcount` must begin a search")
        wanted = some(compare("index", "=", name) for name in self.indexes)
        if not self.indexes:
            wanted = compare("index", "!=", "_*")
        counted = (Aggregation("count", "count"),)
        if self.summarize:
            return Aggregate(Filter(Scan(), wanted), (), counted)
        context.warn("eventcount gives no server: a replay has none")
        found = Aggregate(Filter(Scan(), wanted), ("index",), counted)
        return Project(found, (("count", "count"), ("index", "index")))
