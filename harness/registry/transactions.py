"""Events grouped into transactions, newest first, as the transaction command does it.

Source: Splunk Search Reference, `transaction`: transaction definition options, memory control
options, and the field closed_txn.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from harness.errors import Unsupported

if TYPE_CHECKING:
    from collections.abc import Iterable

Key = tuple[str, str]
"""A field's name and its value, several values as one text."""
K = TypeVar("K")
MOST_COMPARISONS = 20_000_000


@dataclass(frozen=True, slots=True)
class Rules:
    """When events belong together; None is without a limit."""

    fields: tuple[str, ...] = ()
    span: float | None = None
    pause: float | None = None
    events: int | None = 1_000
    starts: bool = False
    ends: bool = False
    limited: bool = False
    """Whether a limit of span, pause or number was asked for."""
    connected: bool = True
    unify_ends: bool = True
    open_transactions: int = 5_000
    open_events: int = 100_000


@dataclass(frozen=True, slots=True)
class Event:
    """One row: its place in the input, its time and what the rules ask of it."""

    row: int
    time: float
    keys: tuple[Key, ...]
    starts: bool = False
    ends: bool = False


@dataclass(slots=True)
class Transaction:
    """Events of one transaction, in the order in which they came: newest first as a rule."""

    number: int
    keys: dict[str, str] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    bounded: bool = False
    """Closed by a limit of span, pause or number."""
    evicted: bool = False
    """Given up for want of memory."""

    @property
    def started(self) -> bool:
        """Whether its oldest event is a beginning."""
        return self.events[-1].starts

    @property
    def ended(self) -> bool:
        """Whether its newest event is an end."""
        return self.events[0].ends

    def complete(self, rules: Rules) -> bool:
        """Whether it has the beginning and the end that the rules want.

        Where an end is the only rule, what has none is complete as well.
        """
        started = not rules.starts or self.started
        ended = self.ended or not (rules.ends and (rules.starts or rules.limited))
        return started and ended and not self.evicted

    def closed(self, rules: Rules) -> bool:
        """Whether a limit or its beginning closed it: what `closed_txn` says. An end does not."""
        return self.complete(rules) and (rules.starts or self.bounded)


@dataclass(slots=True)
class Grouping:
    """The transactions of a stream of events.

    Among open transactions that an event fits the one opened last takes it, so that pairs of
    beginnings and ends nest. An event fits where none of its fields differs; it also has to
    share a field's value, unless `connected` is off and the transaction has none of its fields.
    """

    rules: Rules
    done: list[Transaction] = field(default_factory=list)
    orphans: list[Event] = field(default_factory=list)
    _open: OrderedDict[int, Transaction] = field(default_factory=OrderedDict)
    _stack: dict[int, None] = field(default_factory=dict)
    _full: dict[tuple[Key, ...], dict[int, None]] = field(default_factory=dict)
    _by_key: dict[Key, dict[int, None]] = field(default_factory=dict)
    _loose: dict[int, None] = field(default_factory=dict)
    _loose_by_key: dict[Key, dict[int, None]] = field(default_factory=dict)
    _count: int = 0
    _compared: int = 0
    _events: int = 0

    def over(self, events: Iterable[Event]) -> list[Transaction]:
        """All transactions, those that stay open at the end included."""
        for event in events:
            self._take(event)
        self.done += self._open.values()
        return self.done

    def _take(self, event: Event) -> None:
        rules = self.rules
        edge = (event.starts and rules.starts) or (event.ends and rules.ends)
        if rules.fields and not event.keys and (rules.unify_ends or not edge):
            self.orphans.append(event)
            return
        found = self._fitting(event)
        while found is not None and self._beyond(found, event):
            found.bounded = True
            self._close(found)
            found = self._fitting(event)
        if rules.ends and event.ends:
            if found is not None and not (found.ended and rules.starts):
                self._close(found)
            found = None
        if found is None:
            found = self._opened()
        self._add(found, event)
        if rules.starts and event.starts:
            self._close(found)
        elif rules.events is not None and len(found.events) >= rules.events:
            found.bounded = True
            self._close(found)
        self._spare_memory()

    def _fitting(self, event: Event) -> Transaction | None:
        """The open transaction that was opened last among those that an event fits."""
        if not event.keys:
            return self._open[next(reversed(self._stack))] if self._stack else None
        tables = [self._loose_by_key]
        if len(event.keys) < len(self.rules.fields):
            tables.append(self._by_key)
        candidates = {
            number
            for table in tables
            for key in event.keys
            for number in table.get(key, ())
            if self._agrees(self._open[number], event)
        }
        if (same := self._full.get(event.keys)) is not None:
            candidates.add(next(reversed(same)))
        if not self.rules.connected:
            self._count_comparisons(len(self._loose))
            names = {name for name, _ in event.keys}
            candidates |= {n for n in self._loose if not names & self._open[n].keys.keys()}
        return self._open[max(candidates)] if candidates else None

    def _agrees(self, transaction: Transaction, event: Event) -> bool:
        self._count_comparisons(1)
        keys = transaction.keys
        return all(keys.get(name, value) == value for name, value in event.keys)

    def _count_comparisons(self, number: int) -> None:
        self._compared += number
        if self._compared > MOST_COMPARISONS:
            raise Unsupported(
                "a transaction over so many open transactions",
                hints=["name fields that every event has, or set maxspan or maxpause"],
            )

    def _beyond(self, transaction: Transaction, event: Event) -> bool:
        """Whether an event lies too far from a transaction to be part of it."""
        newest, oldest = transaction.events[0].time, transaction.events[-1].time
        rules = self.rules
        if rules.span is not None and newest - event.time >= rules.span > 0:
            return True
        return rules.pause is not None and oldest - event.time > rules.pause

    def _opened(self) -> Transaction:
        self._count += 1
        opened = Transaction(self._count)
        self._open[opened.number] = opened
        self._stack[opened.number] = None
        if self.rules.fields:
            self._loose[opened.number] = None
        return opened

    def _add(self, transaction: Transaction, event: Event) -> None:
        number = transaction.number
        transaction.events.append(event)
        self._events += 1
        self._open.move_to_end(number)
        new = [key for key in event.keys if key[0] not in transaction.keys]
        if not new:
            return
        self._forget(transaction)
        transaction.keys.update(new)
        self._remember(transaction)

    def _remember(self, transaction: Transaction) -> None:
        """Make a transaction known by the values that it has."""
        number, keys = transaction.number, transaction.keys
        full = len(keys) == len(self.rules.fields)
        table = self._by_key if full else self._loose_by_key
        for key in keys.items():
            table.setdefault(key, {})[number] = None
        if full:
            self._full.setdefault(self._in_order(keys), {})[number] = None
        else:
            self._loose[number] = None

    def _forget(self, transaction: Transaction) -> None:
        number, keys = transaction.number, transaction.keys
        full = number not in self._loose
        self._loose.pop(number, None)
        table = self._by_key if full else self._loose_by_key
        for key in keys.items():
            _drop(table, key, number)
        if full and keys:
            _drop(self._full, self._in_order(keys), number)

    def _in_order(self, keys: dict[str, str]) -> tuple[Key, ...]:
        return tuple((name, keys[name]) for name in self.rules.fields)

    def _close(self, transaction: Transaction) -> None:
        number = transaction.number
        del self._open[number], self._stack[number]
        if self.rules.fields:
            self._forget(transaction)
        self._events -= len(transaction.events)
        self.done.append(transaction)

    def _spare_memory(self) -> None:
        """Give up the transactions that were left alone longest while too much is open."""
        rules = self.rules
        while len(self._open) > rules.open_transactions or self._events > rules.open_events:
            oldest = next(iter(self._open.values()))
            oldest.evicted = True
            self._close(oldest)


def _drop(table: dict[K, dict[int, None]], key: K, number: int) -> None:
    numbers = table[key]
    del numbers[number]
    if not numbers:
        del table[key]
