"""What the server refuses, and with which status."""

from __future__ import annotations

from harness.errors import HarnessError


class Refusal(HarnessError):
    """A request that is not answered: an HTTP status, and words for the client."""

    def __init__(self, status: int, message: str, kind: str = "ERROR") -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind


def not_found(what: str = "Not Found") -> Refusal:
    """There is nothing of this name."""
    return Refusal(404, what)
