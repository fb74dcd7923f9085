"""The order of rows: what each way to sort compares."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.plan.types import Kind, Typed, as_number, as_text
from harness.sql.query import OrderKey

if TYPE_CHECKING:
    from harness.plan.nodes import SortKey
    from harness.sql.duckdb import DuckDBDialect
    from harness.sql.query import Query


def sort_keys(d: DuckDBDialect, key: SortKey, query: Query) -> list[OrderKey]:
    """What a key of `sort` compares; without a mode numbers come first, then addresses, text."""
    value = query.columns.get(key.field)
    if value is None:
        return []
    if value.multi:
        value = Typed(d.function("list_extract", value.sql, d.position(1)), Kind.ANY)
    if key.mode == "str":
        return [OrderKey(as_text(d, value).sql, key.descending)]
    spelled = as_number(d, value)
    if key.mode == "num" or value.kind is Kind.NUMBER:
        return [OrderKey(spelled.sql, key.descending)]
    if key.mode == "ip":
        octets = d.function("spl_ip_number", as_text(d, value).sql)
        return [OrderKey(octets, key.descending)]
    text, unspelled = as_text(d, value).sql, d.function("is_null", spelled.sql)
    rank = d.case(
        [
            (d.function("is_not_null", spelled.sql), d.position(0)),
            (d.function("is_not_null", text), d.position(1)),
        ]
    )
    return [
        OrderKey(rank, key.descending),
        OrderKey(spelled.sql, key.descending),
        OrderKey(d.case([(unspelled, d.function("address_text", text))]), key.descending),
    ]
