"""datamodel: the events of a data model's data set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.registry import command
from harness.registry.datasets import bare

if TYPE_CHECKING:
    from harness.plan.nodes import Relation
    from harness.registry.context import Context
    from harness.spl.lexer import Token
    from harness.spl.pipeline import Stage

MODES = ("search", "flat", "acceleration_search")
OPTIONS = ("strict_fields", "allow_old_summaries", "summariesonly")


@command("datamodel")
@dataclass(frozen=True, slots=True)
class Datamodel:
    """datamodel <model> <data set> (search|flat) [strict_fields=<bool>] [summariesonly=<bool>].

    The events have the metadata fields and the set's own, with `search` under qualified names
    (`Processes.user`), with `flat` under bare ones. Nothing is accelerated, so summariesonly and
    allow_old_summaries change nothing. Unsupported: acceleration_search, strict_fields=false,
    and the description of models in place of events. Source: Search Reference, datamodel.
    """

    stage: Stage
    model: str
    data_set: str
    mode: str

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the names, the mode and the options."""
        arguments = stage.arguments
        options: dict[str, Token] = {}
        words: list[Token] = []
        while not arguments.done:
            if arguments.at_option():
                options.update(arguments.options(OPTIONS))
            elif len(words) < 3:
                words.append(arguments.next("a name"))
            else:
                arguments.finish()
        if len(words) < 3:
            stage.unsupported(
                "datamodel that describes models", None, "write datamodel <model> <data set> search"
            )
        mode = arguments.choice(words[2], "the mode", MODES)
        if mode == "acceleration_search":
            stage.unsupported("datamodel with acceleration_search", words[2].span)
        for name, token in options.items():
            if not arguments.boolean(token, name) and name == "strict_fields":
                stage.unsupported("datamodel with strict_fields=false", token.span)
        return cls(stage, words[0].value, words[1].value, mode)

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """The events of the data set."""
        if rows is not None:
            self.stage.fail("`datamodel` must begin a search")
        found = context.data_set(self.model, self.data_set, self.stage)
        return bare(found) if self.mode == "flat" else found
