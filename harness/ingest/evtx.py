"""Windows' own binary logs, rendered to the XML that a forwarder would send."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

from harness.errors import Place
from harness.ingest.errors import DamagedFile, Loss

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BETWEEN_TAGS = re.compile(r">\s+<")
DECLARATION = re.compile(r"\s*<\?xml[^>]*\?>\s*")
MOST_FAULTS = 1000


def evtx_events(path: Path, losses: list[Loss]) -> Iterator[str]:
    """Every record's XML on one line; a damaged record is noted and passed over.

    SIDs stay as they are on disk.
    """
    from evtx import PyEvtxParser  # noqa: PLC0415 - only logs in binary need it

    try:
        records = iter(PyEvtxParser(str(path)).records())
    except (RuntimeError, OSError, ValueError) as error:
        raise DamagedFile(
            f"this is no event log that can be read: {_first_line(error)}", place=Place(str(path))
        ) from error
    faults = 0
    while True:
        try:
            record = next(records)
        except StopIteration:
            break
        except RuntimeError as error:
            faults += 1
            if faults == 1:
                losses.append(Loss(str(path), f"a damaged part is missing: {_first_line(error)}"))
            if faults >= MOST_FAULTS:
                losses.append(Loss(str(path), "too many damaged parts: the rest is missing"))
                break
            continue
        yield one_line(cast("dict[str, str]", record)["data"])


def one_line(text: str) -> str:
    """An event's XML without declaration and indentation."""
    stripped = DECLARATION.sub("", text, count=1)
    return BETWEEN_TAGS.sub("><", stripped).strip()


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
