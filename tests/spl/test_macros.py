"""Calls of macros: arguments by name, validations, and definitions that are eval expressions."""

from __future__ import annotations

import pytest

from harness.apps import load_apps
from harness.engines.knowledge import Knowledge
from harness.errors import HarnessError, Unsupported
from harness.model import Macro
from harness.spl.macros import RefusedArguments, expand
from harness.spl.source import Source

BAND = "bytes>=$lo$ bytes<$hi$"
MACROS = (
    Macro("plain", BAND, ("lo", "hi")),
    Macro("rising", BAND, ("lo", "hi"), validation="lo < hi", refusal="the first is the smaller"),
    Macro("mute", BAND, ("lo", "hi"), validation="$lo$ < $hi$"),
    Macro("whole", "head $n$", ("n",), validation='validate(isint(n), "n is a whole number")'),
    Macro("size", 'if(n > 3, "large=1", "small=" . n)', ("n",), is_eval=True),
    Macro("nested", '"`plain(" . n . ", 9)`"', ("n",), is_eval=True),
    Macro("year", 'strftime(now(), "%Y")', is_eval=True),
    Macro("nothing", "null()", is_eval=True),
    Macro("broken", "upper(", is_eval=True),
)


def expanded(spl: str) -> str:
    macros = {(one.name, len(one.arguments)): one for one in MACROS}
    return expand(Source(spl), Knowledge(load_apps(builtin=False), macros)).text


# Source: Knowledge Manager Manual, "Search macro examples": iis_search(fragment=TM).
@pytest.mark.parametrize(
    "call",
    ["plain(1, 2)", "plain(lo=1, hi=2)", "plain(hi = 2, lo = 1)", 'plain(lo="1", hi="2")'],
)
def test_arguments_are_given_in_order_or_by_name(call: str) -> None:
    assert expanded(f"a=1 `{call}` b=2") == "a=1 bytes>=1 bytes<2 b=2"


@pytest.mark.parametrize(
    ("call", "lo", "hi"),
    [
        ("plain(lo=1, 2)", "lo=1", "2"),
        ("plain(lo=1, lo=2)", "lo=1", "lo=2"),
        ("plain(other=1, hi=2)", "other=1", "hi=2"),
        ('plain("lo=1", "hi=2")', "lo=1", "hi=2"),
        ("plain(lo==1, hi==2)", "lo==1", "hi==2"),
    ],
)
def test_a_call_that_does_not_name_all_arguments_keeps_their_order(
    call: str, lo: str, hi: str
) -> None:
    assert expanded(f"`{call}`") == f"bytes>={lo} bytes<{hi}"


# Source: macros.conf.spec, validation and errormsg.
@pytest.mark.parametrize(
    "call", ["rising(2, 10)", "mute(-1, 3.5)", "whole(3)", "rising(hi=3, lo=2)"]
)
def test_a_call_with_valid_arguments_is_expanded(call: str) -> None:
    assert expanded(f"`{call}`").startswith(("bytes", "head 3"))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("rising(10, 2)", "the first is the smaller"),
        ("mute(2, 1)", r"`\$lo\$ < \$hi\$` is not true"),
        ("mute(absent, 1)", "is not true"),
        ("whole(few)", "n is a whole number"),
        ('whole("3\\" . 4")', "n is a whole number"),
    ],
)
def test_a_call_with_other_arguments_is_refused_at_its_place(call: str, message: str) -> None:
    with pytest.raises(RefusedArguments, match=message) as caught:
        expanded(f"a=1 `{call}`")
    assert caught.value.place is not None
    assert caught.value.place.column == 5


# Source: macros.conf.spec, iseval.
@pytest.mark.parametrize(
    ("call", "text"),
    [
        ("size(5)", "large=1"),
        ("size(2)", "small=2"),
        ("size(n=3)", "small=3"),
        ("nested(4)", "bytes>=4 bytes<9"),
    ],
)
def test_an_eval_macro_is_the_value_of_its_definition(call: str, text: str) -> None:
    assert expanded(f"`{call}`") == text


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("nothing", "gives no text"),
        ("broken", "the definition of macro `broken`: the expression ends too early"),
    ],
)
def test_an_eval_macro_without_a_value_fails_at_its_call(call: str, message: str) -> None:
    with pytest.raises(HarnessError, match=message) as caught:
        expanded(f"a=1 `{call}`")
    assert caught.value.place is not None
    assert caught.value.place.column == 5


def test_an_eval_macro_that_asks_for_the_clock_is_unsupported() -> None:
    with pytest.raises(Unsupported, match=r"`now\(\)` in the expression of a macro"):
        expanded("`year`")
