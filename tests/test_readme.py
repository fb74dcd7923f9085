"""README.md and docs name every option, every command and every setting that there is."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

from harness.cli import COMMANDS, cli
from harness.trials.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
TEXT = "\n".join(
    path.read_text(encoding="utf-8")
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
)


def commands() -> Iterator[tuple[str, click.Command]]:
    context = click.Context(cli)
    for name in COMMANDS:
        found = cli.get_command(context, name)
        if isinstance(found, click.Group):
            yield from ((f"{name} {inner}", one) for inner, one in found.commands.items())
        elif found is not None:
            yield name, found


@pytest.mark.parametrize(("name", "command"), [pytest.param(*one, id=one[0]) for one in commands()])
def test_every_command_and_option_is_documented_and_says_what_it_is(
    name: str, command: click.Command
) -> None:
    options = [one for one in command.params if isinstance(one, click.Option)]
    assert [one.opts for one in options if not one.help] == []
    missing = [
        opt
        for one in options
        for opt in one.opts
        if opt.startswith("--") and not re.search(re.escape(opt) + r"(?![\w-])", TEXT)
    ]
    assert missing == []
    group, _, inner = name.partition(" ")
    listed = re.findall(rf"harness {group} ([a-z]+(?:\|[a-z]+)*)", TEXT) if inner else []
    assert f"harness {name}" in TEXT or any(inner in one.split("|") for one in listed)


def test_every_setting_is_documented() -> None:
    whole = {"splunk_", "keep_splunk"}
    names = [one.name for one in fields(Settings) if one.name != "root"]
    missing = [
        name
        for name in names
        if not any(name.startswith(part) for part in whole)
        and f"`{name}`" not in TEXT
        and f"--{name.replace('_', '-')}" not in TEXT
    ]
    assert missing == []
