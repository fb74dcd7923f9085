"""Date and time functions.

Source: Splunk Search Reference, "Date and Time functions", "Date and time format variables".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.plan.types import Kind, Typed, as_number, as_text
from harness.registry import eval_function
from harness.registry.functions import UnsupportedArgument

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from harness.plan.types import Dialect
    from harness.registry.functions import Constant

NATIVE = {
    **{name: name for name in "aAbBdHIjmMpSUwWyY%"},
    "T": "H:%M:%S",
    "F": "Y-%m-%d",
    "D": "m/%d/%y",
    "R": "H:%M",
    "n": "\n",
    "t": "\t",
}
VARIABLE = re.compile(r"%(:{1,3}z|\d?[NQ]|[A-Za-z%]|.|$)")
SUBSECONDS = frozenset(f"{digits}{kind}" for digits in ("", *"123456789") for kind in "NQ")
ZONES = frozenset({"z", ":z", "::z", ":::z", "Z"})
PRINTED = frozenset(NATIVE) | SUBSECONDS | ZONES | frozenset("sekfhlVGcxX+")
READ = frozenset("aAbBcdeDfFhHIjklmMnpRsStTxXyY%+") | SUBSECONDS | ZONES
DATED = re.compile(r"%[YyFDscx+]")
FIRST_SECOND = -62135596800.0
LAST_SECOND = 253402300799.0
"""The years 1 to 9999."""


def check_format(function: str, form: str) -> None:
    """An error for a format with a variable that `strftime` or `strptime` does not have."""
    known = PRINTED if function == "strftime" else READ
    for variable in VARIABLE.findall(form):
        if variable not in known:
            raise UnsupportedArgument(
                f"the time variable `%{variable}` in `{function}`",
                position=1,
                hints=(f"the variables are {', '.join(sorted(known - SUBSECONDS - ZONES))}",),
            )


def _checking(function: str) -> Callable[[Sequence[Constant]], None]:
    def check(written: Sequence[Constant]) -> None:
        check_format(function, str(written[1]))

    return check


@eval_function(check=_checking("strftime"))
def strftime(d: Dialect, time: Typed, form: Typed) -> Typed:
    """strftime(<epoch>, <format>): a time as text, in the search's zone."""
    epoch = as_number(d, time).sql
    zone = d.timezone
    native = native_format(form.constant) if isinstance(form.constant, str) else None
    if zone == "UTC" and native is not None:
        stamp = d.function("utc_timestamp", epoch)
        known = d.function(
            "and",
            d.function("at_least", epoch, d.literal(FIRST_SECOND)),
            d.function("at_most", epoch, d.literal(LAST_SECOND)),
        )
        printed = d.function("strftime", stamp, d.literal(native))
        return Typed(d.case([(known, printed)]), Kind.TEXT)
    wanted = as_text(d, form).sql
    return Typed(d.function("spl_strftime", epoch, wanted, d.literal(zone)), Kind.TEXT)


@eval_function(check=_checking("strptime"))
def strptime(d: Dialect, value: Typed, form: Typed) -> Typed:
    """strptime(<text>, <format>): the epoch seconds that a text spells; NULL if it does not.

    A format without a year is read as of the search's own clock.
    """
    dated = isinstance(form.constant, str) and DATED.search(form.constant)
    clock = 0.0 if dated else d.now
    arguments = as_text(d, form).sql, d.literal(d.timezone), d.literal(clock)
    return Typed(d.function("spl_strptime", as_text(d, value).sql, *arguments), Kind.NUMBER)


def native_format(form: str) -> str | None:
    """The format in the engine's own variables, or None if it has one the engine lacks."""
    variables = VARIABLE.findall(form)
    if any(variable not in NATIVE for variable in variables):
        return None
    return VARIABLE.sub(lambda m: NATIVE[m[1]] if m[1] in "nt" else f"%{NATIVE[m[1]]}", form)


@eval_function()
def now(d: Dialect) -> Typed:
    """now(): the time at which the search runs: the trial's clock."""
    return Typed(d.literal(d.now), Kind.NUMBER)


@eval_function()
def time(d: Dialect) -> Typed:
    """time(): as now(), so that a trial gives the same rows every time it runs."""
    return now(d)


@eval_function()
def relative_time(d: Dialect, value: Typed, modifier: Typed) -> Typed:
    """relative_time(<epoch>, <modifier>): the time moved and snapped, such as `-1d@d`.

    What is no modifier gives NULL, written or out of a field: shipped content relies on it.
    """
    zone = d.timezone
    wanted = as_text(d, modifier).sql
    epoch = as_number(d, value).sql
    return Typed(d.function("spl_relative_time", epoch, wanted, d.literal(zone)), Kind.NUMBER)
