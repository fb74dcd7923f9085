"""Risk events that a Splunk recorded itself, held against those derived from a search's rows."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from harness.model import Value
    from harness.risk.events import RiskEvent

_MAX_SHOWN = 5
Key = tuple[str, str, float]


def recorded_differences(
    search_name: str, derived: Sequence[RiskEvent], recorded: Sequence[Mapping[str, Value]]
) -> Iterator[str]:
    """What only one of both has: risk object, its type and its score, each as often as it is."""
    ours = Counter(
        (one.risk_object, one.risk_object_type, float(one.risk_score)) for one in derived
    )
    theirs = Counter(_key(row) for row in recorded)
    for missing, where in ((ours - theirs, "not in index=risk"), (theirs - ours, "in index=risk")):
        for (name, kind, score), count in sorted(missing.items())[:_MAX_SHOWN]:
            times = f" ({count} times)" if count > 1 else ""
            only = "" if where.startswith("not") else "only "
            yield f"{search_name}: {kind} `{name}` with score {score:g} is {only}{where}{times}"


def _key(row: Mapping[str, Value]) -> Key:
    try:
        score = float(str(row.get("risk_score") or 0))
    except ValueError:
        score = 0.0
    return str(row.get("risk_object")), str(row.get("risk_object_type")), score
