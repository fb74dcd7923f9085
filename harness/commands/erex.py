"""erex: a field by a pattern that is learnt from examples."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.plan.expressions import Call, Const, Field
from harness.plan.nodes import Extend, Project, Relation
from harness.registry import command
from harness.registry.cells import texts_of
from harness.registry.examples import GROUP, Lesson

if TYPE_CHECKING:
    from harness.registry.context import Context
    from harness.spl.arguments import Arguments
    from harness.spl.lexer import Token
    from harness.spl.pipeline import Stage

OPTIONS = ("counterexamples", "examples", "fromfield", "maxtrainers")
TRAINERS, MOST_TRAINERS, MOST_EXAMPLES = 100, 1000, 100
NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)


@command("erex")
@dataclass(frozen=True, slots=True)
class Erex:
    """erex <field> examples=<text>,… [counterexamples=<text>,…] [fromfield=<field>] [maxtrainers].

    Learns a pattern from the values of fromfield (_raw) that hold an example, at most maxtrainers
    (100, up to 1,000), and extracts the field with it from all rows, as rex does. The pattern is
    told in a warning, as is that none was found.

    Differences: how Splunk learns is not documented. Our pattern is the examples' shape (their
    runs of digits, letters and space, other characters and what they have in common as they are),
    or else a run of their kinds of characters; after the last word that stands before all of
    them, or else anywhere. It finds an example in each value learnt from, and none of the
    counterexamples. Of each value the first 10,240 characters are learnt from.

    Source: Search Reference, erex.
    """

    stage: Stage
    field: str
    source: str
    lesson: Lesson

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the field and the examples."""
        arguments = stage.arguments
        options: dict[str, list[Token]] = {}
        field: str | None = None
        while not arguments.done:
            if arguments.at_option():
                for name, token in arguments.options(OPTIONS).items():
                    options[name] = [token]
                    while name.endswith("examples") and arguments.accept(","):
                        options[name].append(arguments.next("an example"))
            elif field is None:
                field = arguments.field()
            else:
                arguments.finish()
        if field is None:
            stage.fail("`erex` needs a field", None, "for example erex port examples=8080")
        if "examples" not in options:
            stage.fail("`erex` needs examples", None, "for example erex port examples=8080")
        most = TRAINERS
        if "maxtrainers" in options:
            token = options["maxtrainers"][0]
            most = arguments.integer(token, "maxtrainers", minimum=1)
            if most > MOST_TRAINERS:
                stage.fail(f"maxtrainers is at most {MOST_TRAINERS:,}", token.span)
        source = options["fromfield"][0].value if "fromfield" in options else "_raw"
        counterexamples = cls._texts(options.get("counterexamples", []), arguments)
        lesson = Lesson(cls._texts(options["examples"], arguments), counterexamples, most)
        return cls(stage, field, source, lesson)

    @staticmethod
    def _texts(tokens: list[Token], arguments: Arguments) -> tuple[str, ...]:
        """The texts between commas."""
        found = [
            text for token in tokens for one in token.value.split(",") if (text := one.strip())
        ]
        if tokens and not found:
            arguments.stage.fail("an example is expected here", tokens[0].span)
        if len(found) > MOST_EXAMPLES:
            arguments.stage.unsupported(f"more than {MOST_EXAMPLES} examples", tokens[0].span)
        return tuple(dict.fromkeys(found))

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Learn, then extract."""
        if rows is None:
            self.stage.fail("`erex` cannot begin a search")
        values = context.fetched(Project(rows, ((self.source, self.source),)))
        texts = (text for row in values.rows for text in texts_of(row.get(self.source)))
        pattern, taught = self.lesson.learnt(texts)
        old = Field(self.field)
        if pattern is None:
            why = "no pattern fits the examples" if taught else "no value holds an example"
            context.warn(f"erex left `{self.field}` as it is: {why}")
            return Extend(rows, ((self.field, old),))
        name = self.field if NAME.fullmatch(self.field) else GROUP
        shown = pattern.replace(f"(?<{GROUP}>", f"(?<{name}>")
        context.warn(f"erex learned the pattern {shown}")
        found = Call("extract_group", (Field(self.source), Const(pattern), Const(GROUP)))
        return Extend(rows, ((self.field, Call("coalesce", (found, old))),))
