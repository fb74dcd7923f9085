"""YAML documents: values, positions, and everything hostile or broken."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from harness.model.documents import (
    MalformedYaml,
    UnknownKey,
    read_document,
    read_text_document,
)

if TYPE_CHECKING:
    from pathlib import Path

    from harness.model.documents import Document

SAMPLE = """\
name: x
tags:
  risk: 80
  stories:
  - Meterpreter
  - {inner: [1, 2.5, true, ~]}
date: 2022-02-28
"""


def sample() -> Document:
    return read_text_document(SAMPLE, "a.yml")


def test_data_is_plain() -> None:
    assert sample().data == {
        "name": "x",
        "tags": {"risk": 80, "stories": ["Meterpreter", {"inner": [1, 2.5, True, None]}]},
        "date": "2022-02-28",
    }


@pytest.mark.parametrize(
    ("keys", "line", "column"),
    [
        ((), 1, 1),
        (("name",), 1, 1),
        (("tags", "risk"), 3, 3),
        (("tags", "stories", 0), 5, 5),
        (("tags", "stories", 1, "inner"), 6, 6),
        (("tags", "stories", 1, "inner", 2), 6, 22),
        (("tags", "absent", "deeper"), 2, 1),
        (("date",), 7, 1),
    ],
)
def test_place(keys: tuple[str | int, ...], line: int, column: int) -> None:
    place = sample().place(*keys)
    assert (place.path, place.line, place.column) == ("a.yml", line, column)


def test_an_unknown_key_names_its_place_and_the_nearest_known() -> None:
    with pytest.raises(UnknownKey) as caught:
        sample().reject_unknown({"risks", "stories"}, "tags")
    assert str(caught.value) == "a.yml:3:3: unknown key `risk` (did you mean `risks`?)"
    assert caught.value.render().splitlines()[1:3] == ["    risk: 80", "    ^^^^"]


def test_known_keys_pass_and_a_list_is_no_mapping() -> None:
    sample().reject_unknown({"risk", "stories"}, "tags")
    with pytest.raises(MalformedYaml, match="`stories` must be a mapping"):
        sample().reject_unknown({"x"}, "tags", "stories")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1, 2\nb: 3\n", "a.yml:2:"),
        ("a: 1\na: 2\n", "a.yml:2:1: duplicate key `a`: it stands on line 1 too"),
        ("a: 1\n---\nb: 2\n", "a.yml:2:1: a second document"),
        ("a: !!python/object/apply:os.system ['true']\n", "a.yml:1:4: the tag"),
        ("a: !!python/name:os.system x\n", "a.yml:1:4: the tag"),
        ("a: !!binary aGk=\n", "a.yml:1:4: the tag"),
        ("a: *b\n", "a.yml:1:4: the alias `*b` is not defined above"),
        ("a: &a [*a]\n", "a.yml:1:8: the alias `*a` holds itself"),
        ("<<: {a: 1}\n", "a.yml:1:1: merge keys"),
        ("? [a]\n: 1\n", "a key must be one plain word"),
        ("[" * 5000, "nested more than 100 deep"),
        ("a: \x07\n", "a.yml:1:4: a character that YAML does not allow"),
        ("a: b: c\n", "a.yml:1:5: not YAML: mapping values are not allowed"),
        ("a: !!int x\n", "a.yml:1:4: not a value of its type"),
        ("a: " + "1" * 5000, "a.yml:1:4: not a value of its type"),
    ],
)
def test_malformed_text(text: str, message: str) -> None:
    with pytest.raises(MalformedYaml) as caught:
        read_text_document(text, "a.yml")
    assert message in str(caught.value)


def test_a_billion_laughs_stay_folded() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    with pytest.raises(MalformedYaml, match="unfolds to more than 200,000 values"):
        read_text_document("\n".join(lines), "laughs.yml")


def test_a_harmless_alias_is_followed() -> None:
    assert read_text_document("a: &x {k: 1}\nb: *x\n", "a.yml").data == {
        "a": {"k": 1},
        "b": {"k": 1},
    }


def test_an_empty_document_is_none() -> None:
    document = read_text_document("# nothing\n", "a.yml")
    assert document.data is None
    assert str(document.place("x")) == "a.yml:1:1"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.yml"
    path.write_bytes("name: Zürich\r\nnext: 1\r\n".encode(encoding))
    document = read_document(path)
    assert document.data == {"name": "Zürich", "next": 1}
    assert str(document.place("next")) == f"{path}:2:1"


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "wintemp.yml").write_text("a: 1\n")
    with pytest.raises(MalformedYaml, match=r"no such file \(did you mean `wintemp\.yml`\?\)"):
        read_document(tmp_path / "wintmp.yml")
    with pytest.raises(MalformedYaml, match="a folder, not a YAML file"):
        read_document(tmp_path)
    with pytest.raises(MalformedYaml, match="larger than 3 bytes"):
        read_document(tmp_path / "wintemp.yml", max_bytes=3)
    os.mkfifo(tmp_path / "pipe.yml")
    with pytest.raises(MalformedYaml, match="not a plain file"):
        read_document(tmp_path / "pipe.yml")
    (tmp_path / "latin.yml").write_bytes(b"a: 1\nb: \xe9t\xe9\n")
    with pytest.raises(MalformedYaml, match=r"latin\.yml:2:4: not UTF-8 text"):
        read_document(tmp_path / "latin.yml")


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8"), max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc", min_size=1), inner),
    max_leaves=20,
)


@given(plain)
def test_what_pyyaml_writes_is_read_back(value: object) -> None:
    text = yaml.safe_dump(value)
    assert read_text_document(text, "a.yml").data == value


def test_a_tab_in_front_is_named() -> None:
    with pytest.raises(MalformedYaml) as caught:
        read_text_document("a:\n\t- x\n", "a.yml")
    assert caught.value.hints == ("YAML is indented by spaces: there is a tab",)
