"""What a Splunk recorded itself, held against what was derived from a search's rows.

Enterprise Security writes risk events and notables of the detections that it runs. Source:
Splunk's developer documentation, "Using notable events in search", and the Risk data model.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from harness.model import Value
    from harness.risk.events import RiskEvent

RISK, NOTABLE = "risk", "notable"
_MAX_SHOWN = 5
Key = tuple[str, str, float]


def recorded_differences(
    search_name: str,
    derived: Sequence[RiskEvent],
    notables: int,
    recorded: Sequence[Mapping[str, Value]],
) -> Iterator[str]:
    """What only one side has; an index that holds nothing of the detection says nothing.

    Risk events are the same by risk object, its type, its score and the message, each as often
    as it is. Of notables only the number is compared: each side words them in its own way.
    """
    risk = [row for row in recorded if row.get("index") == RISK]
    if risk:
        yield from _risk_differences(search_name, derived, risk)
    found = sum(row.get("index") == NOTABLE for row in recorded)
    if found and found != notables:
        yield f"{search_name}: {found} notables are in index=notable, {notables} were computed"


def _risk_differences(
    search_name: str, derived: Sequence[RiskEvent], recorded: Sequence[Mapping[str, Value]]
) -> Iterator[str]:
    ours = Counter(
        (one.risk_object, one.risk_object_type, float(one.risk_score)) for one in derived
    )
    theirs = Counter(_key(row) for row in recorded)
    for missing, where in ((ours - theirs, "not in index=risk"), (theirs - ours, "in index=risk")):
        for (name, kind, score), count in sorted(missing.items())[:_MAX_SHOWN]:
            times = f" ({count} times)" if count > 1 else ""
            only = "" if where.startswith("not") else "only "
            yield f"{search_name}: {kind} `{name}` with score {score:g} is {only}{where}{times}"
    said = {
        key: Counter(str(row.get("risk_message", "")) for row in recorded if _key(row) == key)
        for key in [key for key in ours if ours[key] == theirs[key]][:_MAX_SHOWN]
    }
    for (name, kind, score), there in sorted(said.items()):
        here = Counter(
            one.risk_message
            for one in derived
            if (one.risk_object, one.risk_object_type, float(one.risk_score)) == (name, kind, score)
        )
        for theirs_only, ours_only in zip(
            sorted((there - here).elements()), sorted((here - there).elements()), strict=False
        ):
            yield (
                f"{search_name}: the message of {kind} `{name}` is `{theirs_only}` in index=risk,"
                f" `{ours_only}` computed"
            )


def _key(row: Mapping[str, Value]) -> Key:
    try:
        score = float(str(row.get("risk_score") or 0))
    except ValueError:
        score = 0.0
    return str(row.get("risk_object")), str(row.get("risk_object_type")), score
