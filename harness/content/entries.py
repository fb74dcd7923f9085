"""Typed access to a place in a YAML document, with errors that name file, line and column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from harness.errors import HarnessError, Place
    from harness.model.documents import Document


@dataclass(frozen=True, slots=True)
class Entry:
    """The mapping at the key path `keys` of `document`; `fault_type` is the error to raise."""

    document: Document
    fault_type: type[HarnessError]
    keys: tuple[str | int, ...] = ()

    @property
    def data(self) -> dict[str, Any]:
        """The mapping itself; raises the fault where something else stands."""
        value = self._value()
        if not isinstance(value, dict):
            raise self.fault(f"{self._called()} must be a mapping")
        return value

    def _value(self) -> Any:
        value = self.document.data
        for key in self.keys:
            value = value[key]
        return value

    def _called(self, *keys: str | int) -> str:
        path = (*self.keys, *keys)
        names = [key for key in path if isinstance(key, str)]
        if not names:
            return "the document"
        return f"an entry of `{names[-1]}`" if isinstance(path[-1], int) else f"`{names[-1]}`"

    def place(self, *keys: str | int) -> Place:
        """Where the value at `keys`, counted from here, stands."""
        return self.document.place(*self.keys, *keys)

    def fault(self, message: str, *keys: str | int, hints: Iterable[str] = ()) -> HarnessError:
        """The error to raise for the value at `keys`."""
        return self.fault_type(message, place=self.place(*keys), hints=hints)

    def only(self, allowed: Iterable[str]) -> None:
        """Raise `UnknownKey` for a key that is not `allowed`."""
        self.document.reject_unknown(tuple(allowed), *self.keys)

    def filled(self) -> None:
        """Raise the fault for a key without a value: it would silently ask for nothing."""
        for key, value in self.data.items():
            if value is None:
                raise self.fault(f"`{key}` has no value", key, hints=("remove it, or fill it in",))

    def has(self, key: str) -> bool:
        """Whether the key is there with a value that is not null."""
        return self.data.get(key) is not None

    def at(self, *keys: str | int) -> Entry:
        """The mapping below `keys`."""
        entry = Entry(self.document, self.fault_type, (*self.keys, *keys))
        _ = entry.data
        return entry

    def _typed(self, key: str, accept: Callable[[Any], bool], what: str) -> Any:
        value = self.data.get(key)
        if value is not None and not accept(value):
            raise self.fault(f"`{key}` must be {what}, not {_kind(value)}", key)
        return value

    def text(self, key: str) -> str | None:
        """A text; a number stands for its own digits (a version, an event code)."""
        value = self._typed(key, lambda v: _is_number(v) or isinstance(v, str), "text")
        return None if value is None else self._spelled(value, key)

    def needed_text(self, key: str) -> str:
        """A text that must be there and not be blank."""
        value = self.text(key)
        if value is None or not value.strip():
            where = () if key not in self.data else (key,)
            raise self.fault(f"{self._called()} needs `{key}`", *where, hints=(f"add `{key}:`",))
        return value

    def number(self, key: str) -> float | None:
        """A number, also one that is written as text."""
        value = self._typed(key, lambda v: _is_number(v) or isinstance(v, str), "a number")
        if value is None:
            return None
        try:
            return float(value)
        except (ValueError, OverflowError):
            raise self.fault(f"`{key}` must be a number, not `{value}`", key) from None

    def count(self, key: str) -> int | None:
        """A whole number that is not negative."""

        def accept(value: Any) -> bool:
            return isinstance(value, int) and not isinstance(value, bool) and value >= 0

        value = self._typed(key, accept, "a whole number, 0 or more")
        return None if value is None else int(value)

    def flag(self, key: str) -> bool | None:
        """`true` or `false`, also in quotes."""
        value = self.data.get(key)
        if isinstance(value, str) and value.lower() in ("true", "false"):
            return value.lower() == "true"
        if value is not None and not isinstance(value, bool):
            raise self.fault(f"`{key}` must be true or false, not {_kind(value)}", key)
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts, or one text alone."""
        value = self.data.get(key)
        if value is None:
            return ()
        values = value if isinstance(value, list) else [value]
        for number, item in enumerate(values):
            if not (isinstance(item, str) or _is_number(item)):
                where = (key, number) if isinstance(value, list) else (key,)
                raise self.fault(f"`{key}` must be texts, not {_kind(item)}", *where)
        if not isinstance(value, list):
            return (self._spelled(value, key),)
        return tuple(self._spelled(item, key, number) for number, item in enumerate(values))

    def _spelled(self, value: Any, *keys: str | int) -> str:
        """A text, or a number as it was written: `0x3e7` is no 999 where text is wanted."""
        if isinstance(value, str):
            return value
        return self.document.written(*self.keys, *keys) or str(value)

    def entries(self, key: str) -> tuple[Entry, ...]:
        """A list of mappings."""
        value = self._typed(key, lambda v: isinstance(v, list), "a list")
        return tuple(self.at(key, number) for number in range(len(value or ())))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _kind(value: Any) -> str:
    """What a value is, in YAML's words."""
    match value:
        case None:
            return "empty"
        case bool():
            return "true or false"
        case str():
            return "text"
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case _:
            return "a number"
