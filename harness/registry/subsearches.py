"""The bracketed searches that join, append and their like take, with their options."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.plan.nodes import Relation
    from harness.registry.context import Context
    from harness.spl.arguments import Arguments
    from harness.spl.lexer import Token
    from harness.spl.pipeline import Stage
    from harness.spl.source import Span

TIMES = ("maxtime", "timeout")
"""Options that bound the time of a subsearch: a trial's search has its own bound."""


def accept_subsearch(arguments: Arguments) -> Span | None:
    """Take a subsearch if it comes next: its span with the brackets."""
    token = arguments.peek()
    if token is None or token.kind != "subsearch":
        return None
    arguments.position += 1
    return token.span


def take_subsearch(arguments: Arguments) -> Span:
    """Take a subsearch, or fail."""
    span = accept_subsearch(arguments)
    if span is None:
        arguments.fail(f"`{arguments.stage.name}` needs a subsearch in brackets")
    return span


def most_rows(arguments: Arguments, options: dict[str, Token], default: int) -> int:
    """What `maxout=` says, or the default."""
    if "maxout" not in options:
        return default
    return arguments.integer(options["maxout"], "maxout", minimum=1)


def subsearch_rows(stage: Stage, span: Span, most: int, context: Context) -> Relation:
    """The rows of a subsearch of their own, the first ones where there are too many."""
    rows = context.lowered(stage.pipeline(span))
    return context.bounded(rows, most, f"the subsearch of {stage.name}")
