"""How far a download is: a bar on a terminal, nothing anywhere else."""

from __future__ import annotations

import sys
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager


class Tick(Protocol):
    """A display of one file's progress."""

    def __call__(self, received: int, total: int | None) -> None:
        """Show how many bytes of the file are on disk, of how many, if that is known."""


class Progress(Protocol):
    """What shows how far downloads are."""

    def __call__(self, label: str) -> AbstractContextManager[Tick]:
        """Open a display for the file that is called `label`."""
        ...


def _no_tick(received: int, total: int | None) -> None:
    """Show nothing."""


def silent(label: str) -> AbstractContextManager[Tick]:  # noqa: ARG001 - a Progress has it
    """Show nothing for the file `label`."""
    return nullcontext(_no_tick)


def default_progress() -> Progress:
    """The bar where standard error is a terminal, and silence on a pipe or in a log."""
    return _bar if sys.stderr is not None and sys.stderr.isatty() else silent


@contextmanager
def _bar(label: str) -> Iterator[Tick]:
    from rich import progress as rich_progress  # noqa: PLC0415 - only where a bar is drawn
    from rich.console import Console  # noqa: PLC0415
    from rich.markup import escape  # noqa: PLC0415

    columns = (
        rich_progress.TextColumn("{task.description}"),
        rich_progress.BarColumn(),
        rich_progress.DownloadColumn(),
        rich_progress.TransferSpeedColumn(),
    )
    with rich_progress.Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(escape(label), total=None)

        def tick(received: int, total: int | None) -> None:
            shown.update(task, completed=received, total=total)

        yield tick
