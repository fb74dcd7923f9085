"""Events on their way into a Splunk: moved to now, sent over HEC, acknowledged once each."""

from harness.replay.faults import (
    Denied,
    Forbidden,
    NoAnswer,
    Rejected,
    SplunkFault,
    Uncertain,
    Unverified,
)
from harness.replay.hec import CHANNEL_HEADER, Hec, Sent, sent_events
from harness.replay.shifting import shifted
from harness.replay.transport import READ_SECONDS, Tls, Transport

__all__ = [
    "CHANNEL_HEADER",
    "READ_SECONDS",
    "Denied",
    "Forbidden",
    "Hec",
    "NoAnswer",
    "Rejected",
    "Sent",
    "SplunkFault",
    "Tls",
    "Transport",
    "Uncertain",
    "Unverified",
    "sent_events",
    "shifted",
]
