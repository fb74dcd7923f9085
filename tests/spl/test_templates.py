"""Values put into a repeated search never change how it is read."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.commands.map import TOKEN
from harness.errors import HarnessError
from harness.spl.pipeline import Pipeline, parse_pipeline
from harness.spl.source import Source, Span, SplText
from harness.spl.templates import Template

SEARCHES = [
    "search index=main user=$v$ | table user",
    'search index=main user="$v$" OR cmd="*\\\\$v$*" | head 1',
    'search "a \\" $v$ b" x=\'$v$\' | stats count by $v$',
    'search x=DOM\\$v$ y=$v$.$v$ z IN ($v$, "$v$")',
    'search foo \'bar "$v$" | eval x="$v$", y=\'$v$\' . "it\'s $v$"',
    "search it's $v$ | eval y='a' . \"$v$\" | where x=$v$",
    'search [search a=$v$ | fields "$v$"] | join type=$v$ b [| inputlookup t where c="$v$"]',
    'search "C:\\$v$\\\\$v$\\" $v$" | rex field=$v$ "x$"',
    'search a=1 | map search="search b=\\"$v$\\" | eval c=$v$"',
    'search a=1 | where searchmatch("x=$v$")',
]
NASTY = [
    "",
    '"',
    "\\",
    '\\"',
    "' | delete '",
    '" | outputlookup x | search "',
    "x] | delete [",
    "`macro`",
    "```comment",
    "$v$",
    "a\nb | c",
    "AND",
    "by",
    "(a OR b)",
    "a=b",
    "-5",
    "x, y",
    "' \"",
    "'|'",
]
TEXTS = st.one_of(
    st.sampled_from(NASTY),
    st.text(alphabet="\\\"'|[]`$ ()=<>,!ab1\n.*-", max_size=12),
    st.text(max_size=6),
)


def filled(template: Template, value: str) -> Pipeline:
    text = template.filled(lambda _: value)
    return parse_pipeline(text, Span(0, len(text.text)))


def read(pipeline: Pipeline) -> list[object]:
    found: list[object] = []
    for stage in pipeline.stages:
        found.append(stage.name)
        for token in stage.arguments.tokens:
            if token.kind == "subsearch":
                found += ["[", *read(stage.pipeline(token.span)), "]"]
            else:
                found.append((token.kind.replace("word", "string"), token.value))
    return found


@pytest.mark.parametrize("search", SEARCHES)
@given(value=TEXTS)
@settings(max_examples=150, deadline=None)
def test_a_value_changes_only_its_tokens(search: str, value: str) -> None:
    text = SplText.of(Source(search))
    template = Template(text, Span(0, len(search)), TOKEN)
    marker = "4815162342"
    expected = read(filled(template, marker))
    try:
        found = read(filled(template, value))
    except HarnessError:
        return
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        if isinstance(other, tuple) and marker in other[1]:
            assert one == (other[0], other[1].replace(marker, value)) or nested(other, search)
        else:
            assert one == other


def nested(token: object, search: str) -> bool:
    """Whether the token is the text of another search, in which values are escaped once more."""
    return "map search" in search and isinstance(token, tuple) and "search b=" in token[1]


def test_ordinary_values_are_put_in() -> None:
    text = SplText.of(Source(SEARCHES[1]))
    template = Template(text, Span(0, len(text.text)), TOKEN)
    pipeline = filled(template, 'C:\\a "b" | c')
    values = [token.value for token in pipeline.stages[0].arguments.tokens]
    assert values[5] == 'C:\\a "b" | c'
    assert values[9] == '*\\C:\\a "b" | c*'


def test_a_nested_search_takes_plain_values_only() -> None:
    text = SplText.of(Source(SEARCHES[8]))
    template = Template(text, Span(0, len(text.text)), TOKEN)
    assert filled(template, "bob").stages[1].arguments.tokens[2].value.startswith("search b=")
    with pytest.raises(HarnessError, match="text that is parsed"):
        filled(template, '\\" | delete')


def test_a_data_name_is_no_command() -> None:
    search = "eval a=1 | <<FIELD>> b"
    text = SplText.of(Source(search))
    template = Template(text, Span(0, len(search)), re.compile("<<FIELD>>"))
    with pytest.raises(HarnessError, match="command"):
        filled(template, "delete")
