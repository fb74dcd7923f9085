"""PREFIX(<text>) of tstats: what follows a text in the terms of raw events.

Source: Splunk Search Reference, `tstats`, "PREFIX()".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.plan.expressions import Call, Const, Expr, Field

if TYPE_CHECKING:
    from harness.spl.arguments import Arguments

MAJOR_BREAKER = re.compile(r"[\[\]<>(){}|!;,'\"*\s&?+]")


def accept_prefix(arguments: Arguments) -> str | None:
    """Take `PREFIX(<text>)` if it comes next, and give the text."""
    opened = arguments.peek(1)
    if not arguments.at_word("prefix") or opened is None or opened.kind != "(" or opened.spaced:
        return None
    stage = arguments.stage
    start = arguments.next("PREFIX").span.start
    first = arguments.expect("(").span.end
    while (token := arguments.next("`)`")).kind != ")":
        pass
    text = stage.text.text[first : token.span.start].strip().strip('"')
    span = type(token.span)(start, token.span.end)
    if not text:
        stage.fail("PREFIX needs a text", span, "for example PREFIX(user=)")
    if MAJOR_BREAKER.search(text):
        stage.fail("the text of PREFIX holds no space and no other major breaker", span)
    if text != text.lower():
        stage.unsupported(
            "PREFIX of a text in capitals", span, "an index holds its terms in small letters"
        )
    return text


def prefixed_terms(text: str) -> Expr:
    """What follows the text in each term of the event that begins with it, each once."""
    return Call("prefixed_terms", (Field("_raw"), Const(text)))
