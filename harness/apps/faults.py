"""What can be wrong with a Splunk app, each fault under its own name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.errors import HarnessError, UsageError

if TYPE_CHECKING:
    from harness.errors import Place


class AppNotFound(UsageError):
    """A path that was given as an app holds none."""


class AppNameTaken(UsageError):
    """Two apps of one name: Splunk's etc/apps holds a name once."""


class AppUnreadable(HarnessError):
    """A file of an app cannot be read, or is not what its name promises."""


class AppTooLarge(HarnessError):
    """An app goes past the bounds of what is read."""


class AppEscape(HarnessError):
    """An app points out of its own folder."""


class UnknownDataModel(UsageError):
    """A data model, or a data set of it, that no loaded app defines."""


@dataclass(frozen=True, slots=True)
class Warned:
    """Something in an app that could not be used as written; the rest of the file counts."""

    message: str
    place: Place

    def __str__(self) -> str:
        where = str(self.place)
        return f"{where}: {self.message}" if where else self.message


@dataclass(frozen=True, slots=True)
class Ignored:
    """What of a loaded app has no effect here, and why: a file, a folder, or a setting.

    `what` is the setting's name; for a whole file or folder it is empty.
    """

    app: str
    path: str
    reason: str
    what: str = ""
