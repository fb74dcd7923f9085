"""What eval expressions of macros give: their validations, and definitions with `iseval`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.engines.base import SearchRequest
from harness.errors import Unsupported
from harness.model import ALL_TIME
from harness.registry.evaluation import is_condition
from harness.spl.expressions import Call, Operation, has_subsearch, parse_expression
from harness.spl.source import Source, SplText

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from harness.model import Value
    from harness.spl.expressions import Expression

NAME = re.compile(r"[A-Za-z0-9_-]+")
NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,15})?")
CHANGING = frozenset({"now", "time", "random"})
RESULT = "value of the macro"


def value_of(expression: str, fields: Mapping[str, str]) -> str | bool | None:
    """The value of an eval expression over these fields alone.

    A field whose text is a number counts as one. A condition that is NULL counts as false.
    Source: macros.conf.spec, `validation` and `iseval`.
    """
    written = parse_expression(SplText.of(Source(expression)))
    if has_subsearch(written):
        raise Unsupported("a subsearch in the expression of a macro")
    if changing := sorted(CHANGING.intersection(_functions(written))):
        raise Unsupported(f"`{changing[0]}()` in the expression of a macro")
    decides = is_condition(written)
    value = f'if({expression}, "1", "0")' if decides else f"tostring({expression})"
    assigned = [
        f'"{name}"={_literal(text)}' for name, text in fields.items() if NAME.fullmatch(name)
    ]
    text = "| makeresults | eval " + ", ".join((*assigned, f'"{RESULT}"={value}'))
    found = _value(text)
    if decides:
        return found == "1"
    return found if found is None else str(found)


def _functions(expression: Expression) -> Iterator[str]:
    if isinstance(expression, Call):
        yield expression.name.lower()
        for one in expression.arguments:
            yield from _functions(one)
    elif isinstance(expression, Operation):
        for one in expression.operands:
            yield from _functions(one)


def _literal(text: str) -> str:
    if NUMBER.fullmatch(text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _value(search: str) -> Value:
    from harness.apps import load_apps  # noqa: PLC0415 - few macros ask
    from harness.engines.duckdb import DuckDBEngine  # noqa: PLC0415 - it imports this package
    from harness.engines.knowledge import Knowledge  # noqa: PLC0415 - it imports this module

    engine = DuckDBEngine(Knowledge(load_apps(builtin=False)))
    try:
        return engine.search(SearchRequest(search, 0.0, ALL_TIME)).rows.rows[0].get(RESULT)
    finally:
        engine.close()
