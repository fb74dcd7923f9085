r"""Recipes: a few lines that stand for many events.

    kind: windows_security_4688_xml       # or windows_security_4688_text, sysmon_1_xml
    start: 2022-02-28T10:00:00Z
    events:
    - count: 38                           # default 1
      every: 10s                          # between the events, default 1s
      at: 5m                              # after the start, default at once
      fields: {user: alice, process_path: 'C:\Windows\Temp\t{n}.exe'}

`{n}` in a field's value is the event's number in its entry, from 1; `{n:02}` has two digits. A
recipe may also be raw text: `{raw: |- …, sourcetype: …, source: …, host: …}`. A list is several
recipes, one file each.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn

from harness.datasets.synthetic.kinds import FIELDS, ProcessStart, event_kinds
from harness.errors import HarnessError, Place, nearest
from harness.model import Origin

MAX_EVENTS = 1_000_000
MAX_RECIPES = 100
NUMBER = re.compile(r"\{n(?::0(\d))?\}")
DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
END_OF_TIME = datetime(9999, 12, 31, tzinfo=UTC).timestamp()
LONGEST = 2 * END_OF_TIME
"""Seconds beyond any calendar, and finite: nothing times an infinite number is no number."""
DEFAULT_START = "2022-02-28T10:00:00Z"
IDS = ("process_id", "parent_process_id")
ID = re.compile(r"[0-9]{1,10}|0[xX][0-9a-fA-F]{1,8}")


class BadRecipe(HarnessError):
    """A recipe for synthetic events that cannot be followed."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """The text of one file of events, and its metadata fields.

    Rendered times are in UTC; those of text that was given are `as_written`, in a zone that the
    recipe does not know.
    """

    text: str
    origin: Origin
    as_written: bool = False


def rendered(recipe: Any, place: Place | None = None) -> tuple[Rendered, ...]:
    """The files that a recipe stands for; `place` is where the recipe stands.

    Raises `BadRecipe` with the nearest names.
    """
    where = place or Place()
    if isinstance(recipe, list):
        if not recipe or len(recipe) > MAX_RECIPES:
            _fail("a list of recipes has 1 to 100 of them", where)
        return tuple(_rendered(one, where) for one in recipe)
    return (_rendered(recipe, where),)


def _rendered(recipe: Any, place: Place) -> Rendered:
    if not isinstance(recipe, Mapping):
        _fail("a recipe is a mapping with `kind` and `events`, or with `raw`", place)
    if "raw" in recipe:
        _only(recipe, ("raw", "sourcetype", "source", "host", "index"), place)
        if not isinstance(recipe["raw"], str):
            _fail("`raw` is text", place)
        return Rendered(
            recipe["raw"],
            Origin(
                index=_text(recipe, "index", place) or "main",
                source=_text(recipe, "source", place),
                sourcetype=_text(recipe, "sourcetype", place),
                host=_text(recipe, "host", place),
            ),
            as_written=True,
        )
    _only(recipe, ("kind", "start", "events"), place)
    kinds = event_kinds()
    kind = kinds.get(str(recipe.get("kind")))
    if kind is None:
        named = recipe.get("kind")
        message = "a recipe needs `kind`" if named is None else f"unknown kind of event `{named}`"
        hints = nearest(str(named), kinds) or (f"kinds: {', '.join(sorted(kinds))}",)
        _fail(message, place, *hints)
    start = _moment(str(recipe.get("start", DEFAULT_START)), place)
    entries = recipe.get("events")
    if not isinstance(entries, list) or not entries:
        _fail("`events` is a list with at least one entry", place)
    events: list[ProcessStart] = []
    for entry in entries:
        events += _events(entry, start, len(events), place)
        if len(events) > MAX_EVENTS:
            _fail(f"a recipe makes at most {MAX_EVENTS:,} events", place)
    events.sort(key=lambda event: event.time)
    if events[0].time < 0 or events[-1].time >= END_OF_TIME:
        _fail("the events lie outside the years 1970 to 9999", place)
    text = "\n".join(kind.render(event) for event in events)
    return Rendered(f"{text}\n", Origin(source=kind.source, sourcetype=kind.sourcetype))


def _events(entry: Any, start: float, before: int, place: Place) -> list[ProcessStart]:
    if not isinstance(entry, Mapping):
        _fail("an entry of `events` is a mapping", place)
    _only(entry, ("count", "every", "at", "fields"), place)
    count = entry.get("count", 1)
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= MAX_EVENTS:
        _fail(f"`count` is a whole number from 1 to {MAX_EVENTS:,}", place)
    every = _duration(str(entry.get("every", "1s")), place)
    begin = start + (_duration(str(entry["at"]), place) if "at" in entry else 0.0)
    fields = entry.get("fields", {})
    if not isinstance(fields, Mapping):
        _fail("`fields` is a mapping", place)
    _only(fields, FIELDS, place, what="field")
    for name, value in fields.items():
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            _fail(f"the field `{name}` is text or a number", place)
        if name in IDS and not ID.fullmatch(_numbered(str(value), count)):
            _fail(f"`{name}` is a whole number or 0x…, of 32 bits at most", place)
    return [
        ProcessStart(
            time=begin + every * number,
            number=before + number + 1,
            **{name: _numbered(str(value), number + 1) for name, value in fields.items()},
        )
        for number in range(count)
    ]


def _numbered(text: str, number: int) -> str:
    return NUMBER.sub(lambda found: f"{number:0{found[1] or 1}d}", text)


def _duration(text: str, place: Place) -> float:
    found = DURATION.fullmatch(text)
    if found is None:
        _fail(f"`{text}` is no duration", place, "for example 10s, 5m or 1h")
    return min(float(found[1]) * SECONDS[found[2]], LONGEST)


def _moment(text: str, place: Place) -> float:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        _fail(f"`{text}` is no time", place, "for example 2022-02-28T10:00:00Z")
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _text(recipe: Mapping[str, Any], key: str, place: Place) -> str | None:
    value = recipe.get(key)
    if value is not None and not isinstance(value, str):
        _fail(f"`{key}` is text", place)
    return value


def _only(
    recipe: Mapping[str, Any], known: tuple[str, ...], place: Place, *, what: str = "key"
) -> None:
    for name in recipe:
        if name not in known:
            hints = nearest(str(name), known) or (f"known: {', '.join(known)}",)
            _fail(f"unknown {what} `{name}` in a recipe", place, *hints)


def _fail(message: str, place: Place, *hints: str) -> NoReturn:
    raise BadRecipe(message, place=place, hints=hints)
