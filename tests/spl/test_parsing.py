"""Corners of the parser that the round trip found."""

from __future__ import annotations

import pytest

from harness.spl.expressions import FieldName, Number, Operation, parse_expression
from harness.spl.pipeline import parse_pipeline
from harness.spl.source import Source, SplSyntaxError, SplText


def text(spl: str) -> SplText:
    return SplText.of(Source(spl))


def test_not_in_binds_like_in() -> None:
    found = parse_expression(text("n + 1 NOT IN (3)"))
    total = Operation("+", (FieldName("n"), Number(1.0, "1")))
    assert found == Operation("not", (Operation("in", (total, Number(3.0, "3"))),))


def test_a_nul_character_is_no_backslash() -> None:
    (stage,) = parse_pipeline(text('"a\0b\\\\"')).stages
    assert [token.value for token in stage.arguments.tokens] == ["a\0b\\"]


@pytest.mark.parametrize("spl", ['a="b\\"', '| where a="b\\"', '| stats count by "b\\"'])
def test_an_escaped_quote_at_the_end_closes_nothing(spl: str) -> None:
    with pytest.raises(SplSyntaxError, match="a quote is not closed"):
        parse_pipeline(text(spl))


@pytest.mark.parametrize("spl", ["search\ta", "search\r\na", "search a", "search"])
def test_any_white_space_ends_the_command(spl: str) -> None:
    (stage,) = parse_pipeline(text(spl)).stages
    assert stage.name_span.end == len("search")
