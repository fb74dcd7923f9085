"""The functions of SPL, for eval and for statistics: families in `harness.functions`."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError, Unsupported
from harness.registry.commands import DuplicateName

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from types import CodeType

    from harness.plan.types import Typed

PACKAGE = "harness.functions"
OPERATOR_WORDS = frozenset({"in"})
PARAMETRISED = re.compile(r"^([a-z_]+?)(\d+(?:\.\d+)?)$")

SPLUNK_FUNCTIONS = frozenset(
    """
    abs acos acosh asin asinh atan atan2 atanh avg bit_and bit_not bit_or bit_shift_left
    bit_shift_right bit_xor case ceil ceiling cidrmatch coalesce commands cos cosh exact exp
    false floor hypot if in ipmask isarray isbool isdouble isint ismv isnotnull isnull isnum
    isobject isstr json json_append json_array json_array_to_mv json_delete json_entries
    json_extend json_extract json_extract_exact json_has_key_exact json_keys json_object
    json_set json_set_exact json_valid len like ln log lookup lower ltrim match max md5 min
    mv_to_json_array mvappend mvcount mvdedup mvfilter mvfind mvindex mvjoin mvmap mvrange
    mvreverse mvsort mvzip now null nullif pi pow printf random relative_time replace round
    rtrim searchmatch sha1 sha256 sha512 sigfig sin sinh spath split sqrt strftime strptime
    substr sum tan tanh time toarray tobool todouble toint tomv tonumber toobject tostring trim
    true typeof upper urldecode validate
    """.split()
)
"""What people may call: the functions of Splunk's Search Reference. Others are our own."""
SPL2_FUNCTIONS = frozenset("all any filter map reduce to_ocsf tojson".split())
"""What only SPL2, the other search language of Splunk, has."""
Constant = str | float | bool | None
"""An argument as it was written, or None for one that has to be worked out."""


class BadArgument(HarnessError):
    """A function's written argument cannot mean anything; `position` is which one it is."""

    def __init__(self, message: str, *, position: int = 0, hints: Iterable[str] = ()) -> None:
        super().__init__(message, hints=hints)
        self.position = position


class UnsupportedArgument(Unsupported):
    """A function's argument asks for what is not there yet; `position` is which one it is."""

    def __init__(self, message: str, *, position: int = 0, hints: Iterable[str] = ()) -> None:
        super().__init__(message, hints=hints)
        self.position = position


@dataclass(frozen=True, slots=True)
class EvalFunction:
    """A function or operator of eval: `lower(dialect, *arguments)` gives a typed expression.

    `check` is given the arguments as they were written, and raises BadArgument or Unsupported.
    """

    name: str
    lower: Callable[..., Typed]
    minimum: int
    maximum: int | None
    literal: tuple[int, ...] = ()
    check: Callable[[Sequence[Constant]], None] | None = None


@dataclass(frozen=True, slots=True)
class StatsFunction:
    """A statistical function: `lower(dialect, argument)` gives a typed aggregate.

    `needs` are fields beyond the argument (`_time`); `ordered` if the rows' order matters.
    `bare` functions may stand without an argument; `parametrised` ones end in a number. A
    `spanned` one (`per_hour`) is for `timechart` alone: its parameter is the length of the
    spans in seconds, which the command puts in (see `aggregations.spanned`).
    """

    name: str
    lower: Callable[..., Typed]
    needs: tuple[str, ...]
    ordered: bool
    bare: bool
    parametrised: bool
    spanned: bool


_eval: dict[str, EvalFunction] = {}
_stats: dict[str, StatsFunction] = {}
_loaded: list[str] = []


def eval_function(
    *names: str,
    literal: tuple[int, ...] = (),
    check: Callable[[Sequence[Constant]], None] | None = None,
) -> Callable[[Callable[..., Typed]], Callable[..., Typed]]:
    """Register a function of eval; its number of arguments is read from its signature.

    `literal` are the positions of arguments that have to be written out (patterns, formats);
    `check` looks at those that are.
    """

    def register(function: Callable[..., Typed]) -> Callable[..., Typed]:
        minimum, maximum = _arity(function)
        for name in names or (function.__name__,):
            if name in _eval:
                raise DuplicateName(f"two eval functions are called `{name}`")
            _eval[name] = EvalFunction(name, function, minimum, maximum, literal, check)
        return function

    return register


def stats_function(
    *names: str,
    needs: tuple[str, ...] = (),
    ordered: bool = False,
    bare: bool = False,
    parametrised: bool = False,
    spanned: bool = False,
) -> Callable[[Callable[..., Typed]], Callable[..., Typed]]:
    """Register a statistical function; see `StatsFunction` for the flags."""

    def register(function: Callable[..., Typed]) -> Callable[..., Typed]:
        for name in names or (function.__name__,):
            if name in _stats:
                raise DuplicateName(f"two statistical functions are called `{name}`")
            _stats[name] = StatsFunction(
                name=name,
                lower=function,
                needs=needs,
                ordered=ordered,
                bare=bare,
                parametrised=parametrised,
                spanned=spanned,
            )
        return function

    return register


def find_eval_function(name: str) -> EvalFunction | None:
    """The eval function or operator of that name, or None."""
    if name not in _eval:
        _load()
    return _eval.get(name)


def find_stats_function(name: str) -> tuple[StatsFunction, float | None] | None:
    """The statistical function of that name with the number that the name ends in, or None."""
    if not _stats:
        _load()
    if (found := _stats.get(name)) is not None and not found.parametrised:
        return found, None
    if (matched := PARAMETRISED.match(name)) and (found := _stats.get(matched[1])):
        return (found, float(matched[2])) if found.parametrised else None
    return None


def eval_function_names() -> list[str]:
    """The names that a person may write as functions: operators and our own are left out."""
    _load()
    return sorted(_eval.keys() & SPLUNK_FUNCTIONS - OPERATOR_WORDS)


def known_stats_function(name: str) -> StatsFunction:
    """The statistical function that a plan names, without its number."""
    if not _stats:
        _load()
    return _stats[name]


def stats_function_names() -> list[str]:
    """The names of all statistical functions."""
    _load()
    return sorted(_stats)


def _load() -> None:
    if _loaded:
        return
    package = importlib.import_module(PACKAGE)
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{PACKAGE}.{module.name}")
        _loaded.append(module.name)


def _arity(function: Callable[..., Any]) -> tuple[int, int | None]:
    code: CodeType = function.__code__
    most = code.co_argcount - 1
    least = most - len(function.__defaults__ or ())
    return least, None if code.co_flags & inspect.CO_VARARGS else most
