"""Regular expressions out of apps, run over events: PCRE, bounded in time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from harness.ingest.errors import BadIndexSetting, SlowIndexPattern
from harness.registry.patterns import MAX_PATTERN, python_pattern

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.errors import Place

SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class BoundedPattern:
    """A pattern of an app with the place that it has there."""

    compiled: Any
    place: Place | None

    def search(self, text: str, start: int = 0, end: int | None = None) -> Any:
        """The first match between two positions, or None."""
        stop = len(text) if end is None else end
        return self._within(lambda: self.compiled.search(text, start, stop, timeout=SECONDS))

    def substitute(self, replace: Callable[[Any], str], text: str, count: int = 0) -> str:
        """The text with matches replaced, `count` of them at most if it is not 0."""
        return str(
            self._within(lambda: self.compiled.sub(replace, text, count=count, timeout=SECONDS))
        )

    def _within(self, call: Callable[[], Any]) -> Any:
        try:
            return call()
        except TimeoutError as error:
            raise SlowIndexPattern(
                f"the regex took more than {SECONDS:g} s on one event",
                place=self.place,
                hints=["a repeat inside of a repeat backtracks without end"],
            ) from error


def bounded(text: str, place: Place | None = None) -> BoundedPattern:
    """A pattern compiled; BadIndexSetting where it does not."""
    return BoundedPattern(_compiled(text, place), place)


@lru_cache(maxsize=512)
def _compiled(text: str, place: Place | None) -> Any:
    import regex  # noqa: PLC0415 - only where an app has rules for index time

    if len(text) > MAX_PATTERN:
        raise BadIndexSetting(f"a regex of more than {MAX_PATTERN:,} characters", place=place)
    try:
        return regex.compile(python_pattern(text), regex.ASCII | regex.VERSION1)
    except (regex.error, ValueError, OverflowError, RecursionError) as error:
        raise BadIndexSetting(f"the regex does not compile: {error}", place=place) from error
