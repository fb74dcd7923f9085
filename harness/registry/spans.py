"""Spans of time and of numbers: `20m`, `1d`, `10`. Source: Search Reference, `bin`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.plan.expressions import Call, Const, Expr, Field
from harness.spl.time_modifiers import UNIT_OF

if TYPE_CHECKING:
    from harness.spl.lexer import Token
    from harness.spl.pipeline import Stage

SPAN = re.compile(r"(\d+)?([A-Za-z]+)")
SECONDS = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86400.0}
FRACTIONS = {"us": 1e-6, "ms": 1e-3, "cs": 1e-2, "ds": 1e-1}


@dataclass(frozen=True, slots=True)
class TimeSpan:
    """A span in seconds; `local` ones (days) begin at midnight of the search's zone."""

    seconds: float
    local: bool = False

    def expression(self, name: str) -> Expr:
        """The start of the span that a field's time lies in."""
        call = "bin_local_time" if self.local else "bin_time"
        return Call(call, (Field(name), Const(self.seconds)))


def parse_time_span(token: Token, stage: Stage) -> TimeSpan:
    """The span of time that a token spells; weeks and longer are not supported yet."""
    text = token.value
    if text.isdigit():
        if int(text) == 0:
            stage.fail("a span is longer than nothing", token.span)
        return TimeSpan(float(text))
    matched = SPAN.fullmatch(text)
    if matched is None:
        stage.fail(f"`{text}` is no span of time", token.span, "for example span=20m")
    count = int(matched[1] or 1)
    if count == 0:
        stage.fail("a span is longer than nothing", token.span)
    word = matched[2].lower()
    if word in FRACTIONS:
        return TimeSpan(count * FRACTIONS[word])
    unit = "month" if matched[2] == "mon" else UNIT_OF.get(word)
    if unit is None:
        stage.fail(f"`{matched[2]}` is no unit of time", token.span, "units: s, m, h, d")
    if unit not in SECONDS:
        stage.unsupported(f"a span of {unit}s", token.span)
    return TimeSpan(count * SECONDS[unit], local=unit == "day")
