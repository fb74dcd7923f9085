"""Places for errors that come out of the engine, which does not know a search's stages."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from harness.engines.search import LocalSearch
from harness.errors import HarnessError, Unsupported
from harness.registry import find_command
from harness.spl.source import Source, Span, SplText

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.engines.base import SearchRequest
    from harness.engines.duckdb import DuckDBEngine
    from harness.errors import Place
    from harness.plan.nodes import Relation
    from harness.spl.pipeline import Stage


class SearchFailed(HarnessError):
    """The engine gave up on a search: out of memory, out of time, or a defect of ours."""


class EngineLimit(SearchFailed):
    """A search needs more time or more memory than there is."""


class TooDeep(Unsupported):
    """A search whose parts lie in one another more deeply than we can follow."""


def _whole(request: SearchRequest) -> Place:
    text = request.text.strip()
    return SplText.of(Source(text, request.path)).place(Span(0, len(text)))


@contextmanager
def placing(
    engine: DuckDBEngine, request: SearchRequest, given: Relation | None = None
) -> Iterator[None]:
    """Give errors that have no place the one of the stage that they come from.

    The search is run again stage by stage, up to the first that gives the same error.
    """
    try:
        yield
    except EngineLimit as error:
        error.place = error.place or _whole(request)
        raise
    except RecursionError as error:
        raise TooDeep(
            "the search is too long or too deeply nested",
            place=_whole(request),
            hints=["write long chains of OR as IN (…), and fewer stages"],
        ) from error
    except HarnessError as error:
        stage = (
            None if error.place else _stage_of(error, engine, LocalSearch(engine, request, given))
        )
        if stage is not None:
            span = stage.name_span.to(stage.span) if stage.raw else stage.name_span
            error.place = stage.text.place(span)
            error.hints = (*error.hints, *stage.text.hints(span))
        raise


def _stage_of(error: HarnessError, engine: DuckDBEngine, search: LocalSearch) -> Stage | None:
    """The first stage that gives an error, if it is the same one."""
    relation = search.given
    try:
        stages = search.pipeline().stages
    except HarnessError:
        return None
    with engine.own_tables():
        for stage in stages:
            try:
                relation = find_command(stage).parse(stage).lower(relation, search)
                engine.run(relation, search)
            except HarnessError as found:
                return stage if found.message == error.message else None
    return None
