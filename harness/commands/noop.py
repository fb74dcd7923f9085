"""noop: the rows as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.plan.nodes import Values
from harness.registry import command

if TYPE_CHECKING:
    from harness.plan.nodes import Relation
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage


@command("noop")
@dataclass(frozen=True, slots=True)
class Noop:
    """noop [<option>=<value>]…: nothing is done to the rows.

    It carries options for Splunk's optimizer, `search_optimization=false` and
    `search_optimization.<name>=false`, which change how a search runs and not what it gives. At the
    beginning of a search there are no rows.
    Source: Search Manual, "Built-in optimization".
    """

    stage: Stage

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the options, each true or false."""
        arguments = stage.arguments
        while not arguments.done:
            if not arguments.at_option():
                arguments.finish()
            token = arguments.tokens[arguments.position]
            name = token.value.lower()
            if name.partition(".")[0] != "search_optimization":
                stage.fail(
                    f"`noop` has no option `{token.value}`", token.span, "search_optimization=false"
                )
            arguments.boolean(arguments.option_value(), name)
        return cls(stage)

    def lower(self, rows: Relation | None, context: Context) -> Relation:  # noqa: ARG002
        """The rows."""
        return Values((), ()) if rows is None else rows
