"""Locations of IP addresses, which `iplocation` asks for; they have no name in SPL.

Source: Splunk Search Reference, iplocation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.plan.types import Kind, Typed, as_text
from harness.registry import eval_function

if TYPE_CHECKING:
    from harness.plan.types import Dialect


@eval_function("ip_location", literal=(1, 2, 3))
def ip_location(
    d: Dialect, address: Typed, database: Typed, part: Typed, languages: Typed
) -> Typed:
    """A part of an address's location, by its field's name, in the first language that has it.

    Empty where the database lacks the part; NULL where it lacks the address.
    """
    told = (d.literal(one.constant) for one in (database, part, languages))
    return Typed(d.function("spl_location", as_text(d, address).sql, *told), Kind.ANY)
