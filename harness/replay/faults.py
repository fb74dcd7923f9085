"""What can go wrong between the harness and a Splunk."""

from __future__ import annotations

from harness.errors import HarnessError


class SplunkFault(HarnessError):
    """A Splunk did not do what it was asked."""


class NoAnswer(SplunkFault):
    """Nothing was done: the request did not arrive."""


class Uncertain(SplunkFault):
    """The connection ended in mid-request or mid-answer: it may have been done, or not."""


class Unverified(SplunkFault):
    """The certificate, or what speaks at the other end, is not what was expected."""


class Denied(SplunkFault):
    """The password, the token or the session does not count."""


class Forbidden(SplunkFault):
    """The user may not do this."""


class Rejected(SplunkFault):
    """An answer that says no; `status` is HTTP's, `code` HEC's own."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 0,
        code: int | None = None,
        hints: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message, hints=hints)
        self.status = status
        self.code = code
