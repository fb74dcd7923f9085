"""Saved searches of the loaded apps, run as a part of another search."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.errors import HarnessError, Unsupported, nearest
from harness.model import ALL_TIME, TimeRange
from harness.spl.time_modifiers import parse_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.apps import SavedSearch
    from harness.engines.search import LocalSearch
    from harness.plan.nodes import Relation
    from harness.spl.pipeline import Stage
    from harness.spl.source import Span


class BadSavedSearch(HarnessError):
    """A saved search that there is not, or that cannot be run."""


def saved_rows(
    search: LocalSearch, name: str, stage: Stage, filled: Callable[[str], str]
) -> Relation:
    """The rows of a saved search; its errors are told at the stage that runs it."""
    span = next((t.span for t in stage.arguments.tokens if t.value == name), stage.name_span)
    saved = _found(search, name, stage, span)
    if name in search.saved_running:
        raise _bad(f"the saved search `{name}` runs itself", stage, span, ())
    text = filled(saved.search)
    try:
        with _over(search, saved):
            return search.lowered(search.parse(text, stage))
    except Unsupported as error:
        raise Unsupported(
            f"the saved search `{name}`: {error.message}",
            place=stage.text.place(span),
            hints=error.hints,
        ) from error
    except HarnessError as error:
        raise _bad(
            f"the saved search `{name}`: {error.message}", stage, span, error.hints
        ) from error


def _found(search: LocalSearch, name: str, stage: Stage, span: Span) -> SavedSearch:
    known = search.engine.knowledge.apps.saved_searches
    saved = known.get(name)
    if saved is None:
        hints = nearest(name, known) or ("--app brings saved searches",)
        raise _bad(f"unknown saved search `{name}`", stage, span, hints)
    if saved.disabled:
        hints = (f"its app disables it: {saved.place_of('disabled')}",)
        raise _bad(f"the saved search `{name}` is disabled", stage, span, hints)
    return saved


def _bad(message: str, stage: Stage, span: Span, hints: tuple[str, ...]) -> BadSavedSearch:
    return BadSavedSearch(
        message, place=stage.text.place(span), hints=(*hints, *stage.text.hints(span))
    )


@contextmanager
def _over(search: LocalSearch, saved: SavedSearch) -> Iterator[None]:
    """The saved search's own time range, where the search that runs it is over all time."""
    before, running = search.request, search.saved_running
    search.saved_running = (*running, saved.name)
    if before.time_range == ALL_TIME:
        search.request = replace(before, time_range=_time_range(search, saved))
    try:
        yield
    finally:
        search.request, search.saved_running = before, running


def _time_range(search: LocalSearch, saved: SavedSearch) -> TimeRange:
    bounds: list[float | None] = []
    for key, text in (
        ("dispatch.earliest_time", saved.earliest),
        ("dispatch.latest_time", saved.latest),
    ):
        if not text:
            bounds.append(None)
            continue
        if text.startswith("rt"):
            raise Unsupported(f"a time range of real time, {key} = {text}")
        try:
            bounds.append(parse_time(text, search.now, search.timezone))
        except ValueError as error:
            raise BadSavedSearch(f"{key} = {text} is no time") from error
    return TimeRange(*bounds)
