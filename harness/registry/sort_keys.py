"""The fields to sort by, as sort and the sortby clause of dedup take them.

key = [ "+" | "-" ] ( field | ( "auto" | "num" | "str" | "ip" ) "(" field ")" )

A field may be called like a statistic: `sum(bytes)`.

Source: Splunk Search Reference, `sort`, "Sort field options", and `dedup`, "sortby".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.plan.nodes import SortKey
from harness.spl.arguments import is_statistic

if TYPE_CHECKING:
    from harness.spl.arguments import Arguments

MODES = ("auto", "num", "str", "ip")


def parse_sort_key(arguments: Arguments) -> SortKey:
    """Take one key; space may stand between its sign and its field."""
    token = arguments.next("a field")
    descending, name = False, token.value
    if token.kind == "word" and name[0] in "+-":
        descending, name = name[0] == "-", name[1:]
        if not name:
            token = arguments.next("a field")
            name = token.value
    following = arguments.peek()
    bracketed = following is not None and following.kind == "(" and not following.spaced
    if bracketed and not is_statistic(name):
        if name.lower() not in MODES:
            arguments.stage.fail(
                f"`{name}` is no way to sort", token.span, f"ways: {', '.join(MODES)}"
            )
        arguments.expect("(")
        field = arguments.field()
        arguments.expect(")")
        return SortKey(field, descending, name.lower())
    if token.kind not in ("word", "string", "quoted"):
        arguments.stage.fail("a field is expected here", token.span)
    signed = len(token.value) - len(name)
    return SortKey(arguments.with_brackets(token)[signed:] if bracketed else name, descending)
