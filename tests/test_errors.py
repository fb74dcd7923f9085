from __future__ import annotations

from harness.errors import HarnessError, Place, UsageError, nearest


def test_one_line_names_place_message_and_hints() -> None:
    error = HarnessError("unknown key `foo`", place=Place("a.yml", 3, 5), hints=["use `bar`"])
    assert str(error) == "a.yml:3:5: unknown key `foo` (use `bar`)"


def test_render_puts_the_caret_under_the_excerpt() -> None:
    place = Place(None, 1, 12, '| eval t = strftme(_time, "%H")', 7)
    error = UsageError("unknown function `strftme`", place=place, hints=["did you mean `x`?"])
    assert error.render().splitlines() == [
        "unknown function `strftme`",
        '  | eval t = strftme(_time, "%H")',
        "             ^^^^^^^",
        "hint: did you mean `x`?",
    ]


def test_nearest_ignores_letter_case_and_gives_no_hint_for_strangers() -> None:
    assert nearest("StrfTme", ["strftime", "strptime"])[0].startswith("did you mean `strftime`")
    assert nearest("zzz", ["strftime"]) == ()
