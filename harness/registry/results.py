"""What a subsearch inside an eval expression stands for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.errors import Unsupported
from harness.plan.expressions import NULL, Call, Const, Expr, Field, every, some
from harness.registry.cells import texts_of
from harness.spl.pipeline import parse_pipeline
from harness.spl.source import Span

if TYPE_CHECKING:
    from harness.model import Value
    from harness.registry.context import Context
    from harness.spl.source import SplText

WRITTEN = ("search", "query")
"""Fields whose text is put in as it is; `return` gives one of them."""


def subsearch_result(text: SplText, span: Span, context: Context) -> str | Expr:
    """The text that stands in the subsearch's place, or the condition that its rows are.

    Without a row it is NULL, with a warning: Splunk refuses the expression.
    """
    pipeline = parse_pipeline(text, Span(span.start + 1, span.end - 1))
    rows = context.rows(pipeline, limit=context.limits.subsearch_rows)
    names = [name for name in rows.columns if not name.startswith("_")]
    written = [name for name in names if name in WRITTEN]
    if written and len(names) > 1:
        raise Unsupported(
            f"a subsearch in an expression with `{written[0]}` and other fields",
            place=text.place(span),
            hints=("end it with return", *text.hints(span)),
        )
    if written:
        values = [value for row in rows.rows for value in texts_of(row.get(written[0]))]
        if values:
            return values[0] if len(values) == 1 else " OR ".join(f"({one})" for one in values)
    conditions = [condition for row in rows.rows if (condition := _row(row, names)) is not None]
    if not conditions or written:
        context.warn("a subsearch in an expression gave nothing: NULL stands in its place")
        return NULL
    return some(conditions)


def _row(row: dict[str, Value], names: list[str]) -> Expr | None:
    """The condition that a row is: each of its fields has one of its values."""
    parts = [
        some(Call("=", (Field(name), Const(text))) for text in texts_of(row.get(name)))
        for name in names
        if row.get(name) is not None
    ]
    return every(parts) if parts else None
