"""collect: write the rows into a summary index, which a replay does not have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.registry import command

if TYPE_CHECKING:
    from harness.plan.nodes import Relation
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage

FLAGS = ("addinfo", "addtime", "run_in_preview", "spool", "testmode", "uselb")
OPTIONS = (*FLAGS, "file", "format", "host", "index", "marker", "output_format", "source")


@command("collect")
@dataclass(frozen=True, slots=True)
class Collect:
    """collect index=<index> …: the rows pass, and nothing is written.

    A summary index is read by later searches only, and what a search writes dies with it.
    Unsupported: testmode=true, which changes the rows. Source: Search Reference, collect.
    """

    stage: Stage

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Check the options."""
        arguments = stage.arguments
        options = arguments.options((*OPTIONS, "sourcetype"))
        arguments.finish()
        if "index" not in options:
            stage.fail("`collect` needs index=")
        flags = {name: arguments.boolean(options[name], name) for name in FLAGS if name in options}
        if flags.get("testmode"):
            stage.unsupported("collect with testmode=true", options["testmode"].span)
        return cls(stage)

    def lower(self, rows: Relation | None, context: Context) -> Relation:  # noqa: ARG002
        """The rows."""
        if rows is None:
            self.stage.fail("`collect` cannot begin a search")
        return rows
