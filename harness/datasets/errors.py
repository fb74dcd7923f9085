"""What can go wrong between a dataset's name and its verified bytes on this disk."""

from __future__ import annotations

from harness.errors import HarnessError, UsageError


class UnknownDataset(UsageError):
    """No manifest carries the name that was asked for."""


class AmbiguousDataset(UsageError):
    """Several manifests share the name that was asked for."""


class BadSetting(UsageError):
    """An environment variable of ours holds a value that it cannot mean."""


class BadManifest(HarnessError):
    """A manifest is well-formed YAML, but says what a manifest cannot say."""


class ForbiddenAddress(HarnessError):
    """An address that a manifest or a redirect may not name without the user's say-so."""


class Unreachable(HarnessError):
    """The network, or the server behind it, does not give the file now: a trial is `skip`."""


class Refused(HarnessError):
    """The server was reached and answers that it will not give this file."""


class UntrustedServer(HarnessError):
    """The server's TLS certificate does not prove that it is the server."""


class TruncatedDownload(HarnessError):
    """The connection ended, again and again, before the announced number of bytes."""


class SlowDownload(HarnessError):
    """The file did not arrive within the time that one download may take."""


class OversizedFile(HarnessError):
    """The file is larger than one dataset file may be."""


class DatasetMismatch(HarnessError):
    """The bytes are not those that the manifest, or the LFS pointer, promises."""


class PointerInsteadOfData(HarnessError):
    """A Git LFS pointer lies where the data should be."""


class HtmlInsteadOfData(HarnessError):
    """A web page (an error page, a login page) came where data should have come."""


class MissingFile(HarnessError):
    """A dataset file that is named by its path is not on this disk."""


class SeveralFiles(HarnessError):
    """One file was asked for and the archive holds several."""


class Interrupted(HarnessError):
    """A connection broke, or a server is busy: tried again before anyone sees this.

    `retry_after_seconds` is what the server asked for; `truncated` tells that bytes of a file
    whose length is known did not come.
    """

    def __init__(
        self,
        message: str,
        *,
        retry_after_seconds: float | None = None,
        truncated: bool = False,
    ) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds
        self.truncated = truncated
