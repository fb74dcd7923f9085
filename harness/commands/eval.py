"""eval: new fields from expressions, worked out from left to right."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.errors import Unsupported
from harness.model import Rows
from harness.plan.expressions import Call, Const, Expr, Field
from harness.plan.nodes import Extend, Relation
from harness.registry import command
from harness.registry.evaluation import Evaluation
from harness.registry.provisions import provided, without_provisions
from harness.spl import expressions as spl
from harness.spl.expressions import ExpressionParser, has_subsearch

if TYPE_CHECKING:
    from harness.model import Value
    from harness.registry.context import Context
    from harness.spl.expressions import Expression
    from harness.spl.pipeline import Stage

PLAIN_NAME = re.compile(r"\s*([A-Za-z_][^\s=,\"'|()\[\]{}<>!]*)(?=\s*=(?!=))")
"""What stands left of `=` without quotes: a hyphen there is no minus."""
NAMED_BY_DATA = re.compile(
    r"\s*((?:[\w.\-]|\{[^{}|=]+\})*\{[^{}|=]+\}(?:[\w.\-]|\{[^{}|=]+\})*)\s*(?==)"
)
HOLE = re.compile(r"\{([^{}]+)\}")
MAX_NAMES = 10_000
VALUE, NAME = "eval\0value", "eval\0name"


@command("eval")
@dataclass(frozen=True, slots=True)
class Eval:
    """eval <field>=<expression>[, …]: a later expression sees the fields of the earlier ones.

    In the field's name `{field}` stands for the value of a field, row by row: a row that lacks
    it, or has several values of it, gets no new field. A subsearch is run first: what it returns
    stands in its place. Source: Search Reference, `eval` and `return`.
    """

    stage: Stage
    fields: tuple[tuple[str, Expr | Expression], ...]
    named_by_data: frozenset[str]

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the assignments."""
        parser = ExpressionParser(stage.text, stage.span)
        evaluation = Evaluation(stage.text, provided=True)
        fields: list[tuple[str, Expr | Expression]] = []
        templates: set[str] = set()
        while True:
            name = cls._template(stage, parser)
            if name is not None:
                templates.add(name)
            else:
                name = cls._name(stage, parser)
            if not parser.accept("="):
                stage.fail("`=` is expected here", parser.peek().span, "write field=expression")
            written = parser.expression()
            later = has_subsearch(written)
            fields.append((name, written if later else evaluation.value(written)))
            if not parser.accept(","):
                break
        rest = parser.peek()
        if rest.kind != "end":
            stage.fail(f"`{rest.value}` is not expected here", rest.span)
        return cls(stage, tuple(fields), frozenset(templates))

    @staticmethod
    def _template(stage: Stage, parser: ExpressionParser) -> str | None:
        """A name with `{field}` in it, taken if it comes next."""
        found = NAMED_BY_DATA.match(stage.text.text, parser.position, parser.end)
        if found is None:
            return None
        parser.position = found.end()
        return found[1]

    @staticmethod
    def _name(stage: Stage, parser: ExpressionParser) -> str:
        plain = PLAIN_NAME.match(stage.text.text, parser.position, parser.end)
        if plain is not None:
            parser.position = plain.end(1)
            return plain[1]
        token = parser.take()
        if token.kind not in ("name", "text", "field") or not token.value:
            stage.fail("a field is expected here", token.span, "write field=expression")
        name = token.value
        while token.kind == "name" and parser.accept("."):
            name += f".{parser.take().value}"
        return name

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Add the fields one after the other."""
        if rows is None:
            self.stage.fail("`eval` cannot begin a search", None, "begin with | makeresults")
        evaluation = Evaluation(self.stage.text, provided=True, context=context)
        for name, written in self.fields:
            before = rows
            expression = _known(written, evaluation)
            rows, value = provided(rows, expression, context, self.stage)
            if name in self.named_by_data:
                named = Extend(rows, ((VALUE, value), (NAME, _name_of(name))))
                rows = context.applied(named, self._placed)
            else:
                rows = Extend(rows, ((name, value),))
                if value is not expression:
                    rows = without_provisions(rows, before, name)
        return rows

    def _placed(self, rows: Rows) -> Rows:
        """Each row's value under the name that it gives itself."""
        columns = dict.fromkeys(name for name in rows.columns if name not in (VALUE, NAME))
        placed: list[dict[str, Value]] = []
        for row in rows.rows:
            name, value = row.pop(NAME, None), row.pop(VALUE, None)
            if isinstance(name, str) and name and not name.startswith("\0"):
                columns[name] = None
                row[name] = value
            placed.append(row)
            if len(columns) > MAX_NAMES:
                raise Unsupported(
                    f"more than {MAX_NAMES:,} fields that the data names",
                    place=self.stage.text.place(self.stage.name_span),
                    hints=self.stage.text.hints(self.stage.name_span),
                )
        return Rows(tuple(columns), placed)


def _known(written: Expr | Expression, evaluation: Evaluation) -> Expr:
    """The plan's expression; one that holds a subsearch was left as it was parsed."""
    if isinstance(
        written,
        spl.Text | spl.Number | spl.FieldName | spl.Call | spl.Operation | spl.Subsearch,
    ):
        return evaluation.value(written)
    return written


def _name_of(template: str) -> Expr:
    """The name that a row gives: NULL if it lacks one of the fields."""
    parts: list[Expr] = [Const("")]
    for number, piece in enumerate(HOLE.split(template)):
        if number % 2:
            parts.append(Field(piece))
        elif piece:
            parts.append(Const(piece))
    found = parts[0]
    for part in parts[1:]:
        found = Call(".", (found, part))
    return found
