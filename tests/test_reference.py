"""The reference in docs/spl is what its generator writes now."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import pytest

GENERATOR = Path(__file__).parents[1] / "docs" / "generate_reference.py"


@pytest.fixture(scope="module")
def reference() -> dict[str, Any]:
    return runpy.run_path(str(GENERATOR))


def test_the_pages_are_up_to_date(reference: dict[str, Any]) -> None:
    assert reference["outdated"]() == [], "run `make reference`"


def test_every_command_tells_its_syntax(reference: dict[str, Any]) -> None:
    for command, names in reference["_commands"]().items():
        syntax, _ = reference["_taken_apart"](command.__doc__)
        assert set(re.split(r"[|\s]", syntax)) & set(names), command


def test_values_are_code_that_a_table_can_hold(reference: dict[str, Any]) -> None:
    cell = reference["_cell"]
    assert cell({"a": "x|y\n"}, "a") == r"`x\|y⏎`"
    assert cell({"a": ["1", "`"]}, "a") == "`1`<br>`` ` ``"
    assert cell({"a": ""}, "a") == '`""`'
    assert cell({}, "a") == ""


def test_a_page_that_nobody_writes_is_outdated(reference: dict[str, Any], tmp_path: Path) -> None:
    reference["write"](tmp_path)
    assert reference["outdated"](tmp_path) == []
    (tmp_path / "gone.md").write_text("old")
    (tmp_path / "README.md").write_text("old")
    assert reference["outdated"](tmp_path) == ["README.md", "gone.md"]
    reference["write"](tmp_path)
    assert reference["outdated"](tmp_path) == []


def test_the_page_of_apps_is_up_to_date() -> None:
    apps = runpy.run_path(str(GENERATOR.with_name("generate_apps_reference.py")))
    assert not apps["is_outdated"](), "run `make reference`"
