"""Lines and columns of a search in its file, for every way that YAML writes text."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from harness.content import place_in_file, read_detection

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "name: One\nid: 11111111-2222-4333-8444-555555555555\ntype: Hunting\n"
TAIL = "tags:\n  security_domain: endpoint\n"
STYLES = {
    "plain": "search: index=a x=1\n  | stats count\n  by MARK dest\n",
    "plain, on lines of its own": "search:\n  index=a x=1\n  | stats count by MARK dest\n",
    "single quotes": "search: 'index=a x=''q'' | stats\n  count by MARK dest'\n",
    "double quotes": 'search: "index=a x=\\"q\\" y=\\"\\\\\\"\\\n  \\ | stats by MARK dest"\n',
    "literal": "search: |\n  index=a\n  | stats count by MARK dest\n",
    "literal, stripped": "search: |-\n  index=a\n\n  | stats count\n    by MARK dest\n",
    "folded": "search: >\n  index=a\n  | stats count\n  by MARK dest\n",
    "folded, with an indent": "search: >2-\n    index=a\n    | stats count by MARK dest\n",
    "a comment behind the header": "search: >-  # the search\n  index=a | stats count by MARK\n",
    "an anchor": "search: &one index=a | stats count by MARK dest\n",
    "a tag": "search: !!str index=a | stats count by MARK dest\n",
    "a quoted key": "'search': index=a | stats count by MARK dest\n",
    "empty lines": "search: index=a\n\n  | stats count\n\n\n  by MARK dest\n",
}


def place_of(text: str, word: str, folder: Path) -> tuple[int, int]:
    """Where the word of the search stands, going by its place in the value."""
    path = folder / "one.yml"
    path.write_text(text, encoding="utf-8")
    detection = read_detection(path)
    before = detection.search.strip().partition(word)[0]
    line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
    return place_in_file(detection, line, column)


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES.keys())
def test_a_word_of_the_search_is_found_in_its_file(style: str, tmp_path: Path) -> None:
    text = f"{HEAD}{style}{TAIL}"
    line, column = place_of(text, "MARK", tmp_path)
    assert text.splitlines()[line - 1][column - 1 :].startswith("MARK")


def test_windows_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "one.yml"
    path.write_bytes(f"{HEAD}{STYLES['single quotes']}{TAIL}".replace("\n", "\r\n").encode())
    detection = read_detection(path)
    column = detection.search.index("MARK") + 1
    line, column = place_in_file(detection, 1, column)
    assert path.read_text(encoding="utf-8").splitlines()[line - 1][column - 1 :].startswith("MARK")


def test_an_alias_is_placed_at_its_key(tmp_path: Path) -> None:
    text = f"description: &text index=a | stats count by MARK\n{HEAD}search: *text\n{TAIL}"
    assert place_of(text, "MARK", tmp_path)[0] in (5, 1)


def test_a_file_that_went_away_gives_the_place_of_the_key(tmp_path: Path) -> None:
    path = tmp_path / "one.yml"
    path.write_text(f"{HEAD}search: index=a\n{TAIL}")
    detection = read_detection(path)
    path.unlink()
    assert place_in_file(detection, 1, 3) == (4, 1)


WORDS = st.lists(
    st.text(alphabet="ab*=\"'\\|#:- é%", min_size=1, max_size=6).map(
        lambda word: word.strip() or "a"
    ),
    min_size=1,
    max_size=30,
)


@given(before=WORDS, style=st.sampled_from((None, "'", '"', "|", ">")), width=st.integers(20, 60))
def test_wherever_a_writer_of_yaml_puts_it(
    before: list[str], style: str | None, width: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    search = f"{' '.join(before)} MARK"
    written = yaml.dump({"search": search}, default_style=style, width=width, allow_unicode=True)
    text = f"{HEAD}{written}{TAIL}"
    folder = tmp_path_factory.mktemp("one")
    line, column = place_of(text, "MARK", folder)
    assert text.split("\n")[line - 1][column - 1 :].startswith("MARK"), textwrap.indent(text, "  ")
