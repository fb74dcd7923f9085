"""Subsearches within the arguments of a command: their result is put into its text.

`head [search … | return $count]` reads as if the count stood there. Commands that take
subsearches of their own, `join` or `append`, and expressions have nothing to do with it.

Source: Splunk Search Manual, "About subsearches": the result of a subsearch is an argument of the
search around it; Search Reference, return, "Usage": `$field` returns the value alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.errors import HarnessError
from harness.model.numbers import number_text
from harness.registry.formats import Punctuation, formatted
from harness.spl.pipeline import COMMAND_NAME, brackets, parse_pipeline
from harness.spl.source import Source, Span, SplText

if TYPE_CHECKING:
    from harness.registry.context import Context
    from harness.spl.pipeline import Pipeline, Stage

SUBSTITUTING = frozenset(
    """
    bin bucket chart dedup eventstats fields fillnull gentimes head makeresults rare sort stats
    streamstats table tail timechart top
    """.split()
)
"""Commands whose arguments a subsearch may write: they only read."""
WRITERS = frozenset({"return", "format"})
"""Commands whose one row is a text already; other rows are put as `format` puts them."""
MOST_CHARACTERS = 100_000


def subsearches(stage: Stage) -> tuple[Span, ...]:
    """The spans of the subsearches in a stage's arguments, brackets included."""
    if "[" not in stage.raw or stage.name.lower() not in SUBSTITUTING:
        return ()
    spans = brackets(stage.text, stage.span)
    return tuple(span for span in spans if _begins_with_command(stage.text, span))


def _begins_with_command(text: SplText, span: Span) -> bool:
    inner = text.text[span.start + 1 : span.end - 1].lstrip()
    return inner.startswith("|") or COMMAND_NAME.match(inner) is not None


def subsearch_text(pipeline: Pipeline, context: Context) -> str:
    """What a subsearch puts in its place; nothing where it has no rows."""
    rows = context.rows(pipeline, limit=context.limits.subsearch_rows)
    if pipeline.stages[-1].name.lower() in WRITERS:
        value = rows.rows[0].get("search") if rows.rows else None
        return value if isinstance(value, str) else "" if value is None else _number(value)
    return formatted(rows, Punctuation(), "OR", "")


def _number(value: object) -> str:
    return number_text(value) if isinstance(value, float) else str(value)


def substituted(stage: Stage, context: Context) -> Stage | None:
    """The stage with the results of its subsearches in their places; None if one gave nothing."""
    spans = subsearches(stage)
    found = [subsearch_text(stage.pipeline(span), context) for span in spans]
    if not all(found):
        context.warn(
            f"a subsearch of `{stage.name}` gives nothing: Splunk refuses the command then, "
            "and here it gives no results"
        )
        return None
    pieces, position, raw = [f"| {stage.name}"], stage.span.start, stage.text.text
    for span, text in zip(spans, found, strict=True):
        pieces += [raw[position : span.start], text]
        position = span.end
    pieces.append(raw[position : stage.span.end])
    return _alone("".join(pieces), stage, spans[0])


def _alone(written: str, stage: Stage, where: Span) -> Stage:
    """The one stage that a text is: a result cannot add commands or subsearches."""
    try:
        stages = parse_pipeline(SplText.of(Source(written))).stages
    except HarnessError as error:
        stage.fail(f"{error.message} (with the result of the subsearch)", where)
    alone = len(stages) == 1 and len(written) <= MOST_CHARACTERS
    if not alone or stages[0].name != stage.name or subsearches(stages[0]):
        stage.fail("the subsearch gives more than arguments of a command", where)
    return stages[0]
