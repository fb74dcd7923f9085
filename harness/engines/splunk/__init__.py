"""A real Splunk as an engine: in a container, or an instance that is already there.

It takes searches as text and imports nothing of the evaluator, so the two can check each other.
"""

from harness.engines.splunk.address import Address, SplunkSettings, address_of, is_splunk
from harness.engines.splunk.engine import SplunkEngine
from harness.engines.splunk.instance import Instance, close_instances, instance_of

__all__ = [
    "Address",
    "Instance",
    "SplunkEngine",
    "SplunkSettings",
    "address_of",
    "close_instances",
    "instance_of",
    "is_splunk",
]
