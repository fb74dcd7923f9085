"""When the results of a saved search become anything: its trigger and its throttling.

Source: savedsearches.conf.spec (`counttype`, `relation`, `quantity`, `alert.digest_mode`,
`alert.suppress`), and Alerting Manual, "Throttle alerts".
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import eq, gt, lt, ne
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from harness.model import Rows, Value

RELATIONS = {"greater than": gt, "less than": lt, "equal to": eq, "not equal to": ne}


@dataclass(frozen=True, slots=True)
class Alerting:
    """A trigger on the number of results, and throttling of results by fields.

    `throttled_by` is for alerts on each result: of those with the same values of the fields only
    the first acts, since a trial is one run and shorter than any period. An alert on the whole of
    the results acts once a run, so its throttling changes nothing here.
    """

    relation: str = ""
    quantity: int = 0
    throttled_by: tuple[str, ...] = ()

    def acting(self, rows: Rows) -> Iterator[tuple[int, Mapping[str, Value]]]:
        """The rows that actions run on, with their numbers."""
        if self.relation and not RELATIONS[self.relation](len(rows.rows), self.quantity):
            return
        seen: set[tuple[str, ...]] = set()
        for number, row in enumerate(rows.rows):
            if self.throttled_by:
                key = tuple(repr(row.get(name)) for name in self.throttled_by)
                if key in seen:
                    continue
                seen.add(key)
            yield number, row


ALWAYS = Alerting()
