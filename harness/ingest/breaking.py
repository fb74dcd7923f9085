r"""Text to events by what props.conf says: LINE_BREAKER, then the merging of lines.

LINE_BREAKER's first group is what stands between two lines: what precedes it in the match ends
the one, what follows it begins the next. In a branch without the first group it is the leftmost
one that takes part, and without any the break is before the match. Where SHOULD_LINEMERGE is on,
lines are put together again until one begins an event. Source: props.conf.spec, "Line breaking".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.apps.conf import as_boolean
from harness.ingest.bounded import bounded
from harness.ingest.errors import BadIndexSetting, Loss
from harness.ingest.lines import MAX_EVENT, OVERSIZED, truncated, with_last
from harness.ingest.timestamps import TimeRules, time_rules

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime, tzinfo

    from harness.apps.conf import Setting
    from harness.ingest.bounded import BoundedPattern

LINE_BREAKER = r"([\r\n]+)"
HELD_BACK = 4096
"""How far before the end of what is there a break may still be part of a longer one."""
MOST_LINES = 256
TIMELESS = ("NONE", "CURRENT")
"""Values of DATETIME_CONFIG with which no time is looked for."""


@dataclass(frozen=True, slots=True)
class BreakRules:
    """How a text breaks into events; without `merges` each line is one."""

    breaker: BoundedPattern
    merges: bool = False
    only_before: BoundedPattern | None = None
    before_date: bool = True
    must_after: BoundedPattern | None = None
    never_after: BoundedPattern | None = None
    never_before: BoundedPattern | None = None
    most_lines: int = MOST_LINES
    times: TimeRules | None = None
    truncate: int = 0

    def events(
        self,
        pieces: Iterator[str],
        name: str,
        losses: list[Loss],
        clock: tuple[tzinfo, datetime],
    ) -> Iterator[str]:
        """The events of a text."""
        lines = self._lines(pieces, name, losses)
        for raw in self._merged(lines, clock) if self.merges else lines:
            if raw.strip():
                yield raw

    def _lines(self, pieces: Iterator[str], name: str, losses: list[Loss]) -> Iterator[str]:
        buffer, offset = "", 0
        for piece, final in with_last(pieces):
            buffer += piece
            begun = searched = 0
            while True:
                found = self.breaker.search(buffer, searched)
                if found is None or (not final and found.end() > len(buffer) - HELD_BACK):
                    break
                ends, begins = _break(found)
                yield truncated(buffer[begun:ends], self.truncate)
                begun = begins
                searched = max(begun, found.start() + 1)
            if final:
                yield truncated(buffer[begun:], self.truncate)
                return
            offset, buffer = offset + begun, buffer[begun:]
            if len(buffer) > MAX_EVENT + HELD_BACK:
                losses.append(Loss(name, OVERSIZED, offset))
                yield buffer[:MAX_EVENT]
                offset, buffer = offset + len(buffer), ""

    def _merged(self, lines: Iterator[str], clock: tuple[tzinfo, datetime]) -> Iterator[str]:
        event: list[str] = []
        held = False
        for line in lines:
            if event and self._begins(line, event, clock, held=held):
                yield "\n".join(event)
                event = []
            event.append(line)
            held = self._holds(line, held=held)
        if event:
            yield "\n".join(event)

    def _holds(self, line: str, *, held: bool) -> bool:
        """Whether no event begins before a line has met MUST_BREAK_AFTER."""
        if self.must_after is not None and self.must_after.search(line):
            return False
        return held or (self.never_after is not None and self.never_after.search(line) is not None)

    def _begins(
        self, line: str, event: list[str], clock: tuple[tzinfo, datetime], *, held: bool
    ) -> bool:
        """Whether a line begins an event, where `event` has the lines before it."""
        if len(event) >= self.most_lines:
            return True
        if self.must_after is not None and self.must_after.search(event[-1]):
            return True
        if held:
            return False
        if self.never_before is not None and self.never_before.search(line):
            return False
        if self.only_before is not None:
            return self.only_before.search(line) is not None
        if self.before_date:
            return (self.times or TimeRules()).find(line, *clock) is not None
        return False


def _break(found: Any) -> tuple[int, int]:
    """Where the line before a break ends, and where the one after it begins."""
    taking = [number for number in range(1, found.re.groups + 1) if found.start(number) >= 0]
    if not taking:
        return found.start(), found.start()
    first = 1 if taking[0] == 1 else min(taking, key=found.start)
    return found.start(first), found.end(first)


def break_rules(settings: Mapping[str, Setting]) -> BreakRules | None:
    """The rules of a source type, or None where its settings say nothing of lines."""

    def pattern(key: str) -> BoundedPattern | None:
        given = settings.get(key)
        return bounded(given.value, given.place) if given is not None and given.value else None

    merges = as_boolean(_text(settings, "SHOULD_LINEMERGE"), default=False)
    if not merges and _text(settings, "LINE_BREAKER") in ("", LINE_BREAKER):
        return None
    breaker = pattern("LINE_BREAKER") or bounded(LINE_BREAKER)
    if breaker.compiled.groups < 1:
        raise BadIndexSetting(
            "LINE_BREAKER has no group: its first one is what stands between two events",
            place=settings["LINE_BREAKER"].place,
            hints=[r"for example `LINE_BREAKER = ([\r\n]+)\d{4}-`"],
        )
    only_before = pattern("BREAK_ONLY_BEFORE")
    has_times = _text(settings, "TIME_PREFIX") or _text(settings, "TIME_FORMAT")
    told = (
        _text(settings, key) for key in ("TIME_PREFIX", "TIME_FORMAT", "MAX_TIMESTAMP_LOOKAHEAD")
    )
    return BreakRules(
        breaker,
        merges,
        only_before,
        as_boolean(_text(settings, "BREAK_ONLY_BEFORE_DATE"), default=True)
        and _text(settings, "DATETIME_CONFIG").upper() not in TIMELESS,
        pattern("MUST_BREAK_AFTER"),
        pattern("MUST_NOT_BREAK_AFTER"),
        pattern("MUST_NOT_BREAK_BEFORE"),
        _number(settings, "MAX_EVENTS", MOST_LINES),
        time_rules(*told) if has_times else None,
        _number(settings, "TRUNCATE", 0),
    )


def _text(settings: Mapping[str, Setting], key: str) -> str:
    return settings[key].value.strip() if key in settings else ""


def _number(settings: Mapping[str, Setting], key: str, default: int) -> int:
    text = _text(settings, key)
    if not text:
        return default
    if not text.isdecimal():
        raise BadIndexSetting(f"{key} is a whole number", place=settings[key].place)
    return int(text)
