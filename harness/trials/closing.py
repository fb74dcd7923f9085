"""What a run leaves on a Splunk is removed when it ends, by Ctrl-C or a signal too."""

from __future__ import annotations

import signal
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.trials.project import Project

TERMINATED = 143


@contextmanager
def closing_splunk(projects: Sequence[Project]) -> Iterator[None]:
    """Close the instances in the end, where an engine is a Splunk."""
    if all(one.settings.engine == "local" for one in projects):
        yield
        return
    before: Any = None
    if threading.current_thread() is threading.main_thread():
        before = signal.signal(signal.SIGTERM, _terminated)
    try:
        yield
    finally:
        from harness.engines.splunk import close_instances  # noqa: PLC0415 - only for a Splunk

        close_instances()
        if before is not None:
            signal.signal(signal.SIGTERM, before)


def _terminated(*_: object) -> None:
    sys.exit(TERMINATED)
