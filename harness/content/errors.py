"""What can be wrong with content: detections, expectations, macros, lookups."""

from __future__ import annotations

from harness.errors import HarnessError, UsageError


class MalformedDetection(HarnessError):
    """A detection file without what makes it one, or with a value of the wrong kind."""


class MalformedExpectation(HarnessError):
    """A sidecar whose trials cannot be meant as they are written."""


class MalformedKnowledge(HarnessError):
    """A macro or lookup file of a content folder that cannot be used."""


class UnknownDetection(UsageError):
    """No detection goes by this name, id, alias, path or file name."""


class AmbiguousDetection(UsageError):
    """Several detections go by this name."""


class MissingFolder(UsageError):
    """A content folder that is not there, or is no folder."""
