from __future__ import annotations

import time

import pytest

from harness.apps.conf import WARNINGS_MAX, as_boolean, parse_conf


def values(text: str) -> dict[str, dict[str, str]]:
    parsed = parse_conf(text, path="x.conf", app="a")
    return {
        name: {key: setting.value for key, setting in stanza.settings.items()}
        for name, stanza in parsed.stanzas.items()
    }


def warned(text: str) -> list[tuple[int | None, str]]:
    parsed = parse_conf(text, path="x.conf", app="a")
    assert all(warning.place.path == "x.conf" for warning in parsed.warnings)
    return [(warning.place.line, warning.message) for warning in parsed.warnings]


def test_stanzas_and_settings() -> None:
    assert values("[a]\nx = 1\ny=2 = 3\n\n[b]\nx =\n") == {
        "a": {"x": "1", "y": "2 = 3"},
        "b": {"x": ""},
    }


def test_comments_are_whole_lines() -> None:
    assert values("# x = 0\n[a]\n  # y = 1\nx = 1 # not a comment\n") == {
        "a": {"x": "1 # not a comment"}
    }


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_line_ends(newline: str) -> None:
    assert values(newline.join(["[a]", "x = 1", "y = 2 \\", "3", ""])) == {
        "a": {"x": "1", "y": "2 \n3"}
    }


def test_a_trailing_backslash_continues_over_several_lines() -> None:
    text = "[a]\nsearch = index=main \\\n# still the value \\\n[not a stanza]\ny = 2\n"
    assert values(text) == {
        "a": {"search": "index=main \n# still the value \n[not a stanza]", "y": "2"}
    }


def test_a_backslash_before_white_space_continues_nothing() -> None:
    assert values("[a]\nx = 1 \\ \nnext = 2\n") == {"a": {"x": "1 \\", "next": "2"}}


def test_settings_before_a_stanza_are_defaults() -> None:
    assert values("x = 1\n[default]\ny = 2\n") == {"default": {"x": "1", "y": "2"}}


def test_a_repeated_stanza_is_joined_and_the_last_value_wins() -> None:
    assert values("[a]\nx = 1\ny = 1\n[b]\nx = 5\n[a]\nx = 2\n") == {
        "a": {"x": "2", "y": "1"},
        "b": {"x": "5"},
    }


def test_brackets_inside_a_header() -> None:
    assert list(values("[source::.../[a-z]*.log]\nx = 1\n")) == ["source::.../[a-z]*.log"]


def test_lines_are_counted_through_continuations() -> None:
    parsed = parse_conf("[a]\nx = 1 \\\n 2\ny = 3\n", path="x.conf", app="a")
    places = {key: one.place.line for key, one in parsed.stanzas["a"].settings.items()}
    assert places == {"x": 2, "y": 4}


def test_malformed_lines_are_reported_and_their_neighbours_count() -> None:
    text = "[a]\nx = 1\nno equals sign\n= no key\ny = 2\n"
    assert values(text) == {"a": {"x": "1", "y": "2"}}
    assert [line for line, _ in warned(text)] == [3, 4]
    assert "`no equals sign`" in warned(text)[0][1]


def test_settings_under_a_broken_header_never_land_in_another_stanza() -> None:
    text = "[a]\nx = 1\n[b\nx = 2\n[c]\nx = 3\n"
    assert values(text) == {"a": {"x": "1"}, "c": {"x": "3"}}
    assert [line for line, _ in warned(text)] == [3, 4]


def test_text_after_a_header_is_reported() -> None:
    assert values("[a] x = 1\ny = 2\n") == {"a": {"y": "2"}}
    assert [line for line, _ in warned("[a] x = 1\ny = 2\n")] == [1]


def test_terminal_escapes_do_not_reach_a_warning() -> None:
    [(_, message)] = warned("[a]\n\x1b[31mred\n")
    assert "\x1b" not in message


@pytest.mark.parametrize(
    ("value", "default", "meant"),
    [
        ("1", False, True),
        ("True", False, True),
        ("enabled", False, True),
        ("0", True, False),
        ("FALSE", True, False),
        ("disabled", True, False),
        ("", True, True),
        (None, False, False),
        ("maybe", False, False),
        ("maybe", True, True),
    ],
)
def test_booleans(value: str | None, *, default: bool, meant: bool) -> None:
    assert as_boolean(value, default=default) is meant


def test_malformed_lines_without_end_are_counted() -> None:
    read = parse_conf("[s]\n" + "broken\n" * 5_000, path="p", app="a")
    assert len(read.warnings) == WARNINGS_MAX + 1
    last = read.warnings[-1]
    assert last.place.line == WARNINGS_MAX + 2
    assert f"{5_000 - WARNINGS_MAX:,} more lines" in last.message


def test_a_very_long_continuation_costs_what_its_size_does() -> None:
    lines = 400_000
    started = time.process_time()
    read = parse_conf("[s]\na = " + "x\\\n" * lines + "y\n", path="p", app="a")
    # Copying the text again for each line would take minutes.
    assert time.process_time() - started < 10
    assert read.stanzas["s"].settings["a"].value == "x\n" * lines + "y"
