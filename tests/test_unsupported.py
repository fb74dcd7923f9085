"""Commands that are left out on purpose say why, and none of them is also there."""

from __future__ import annotations

import pytest

from harness.apps import load_apps
from harness.engines.knowledge import Knowledge
from harness.errors import Unsupported
from harness.registry import command_names, find_command
from harness.registry.commands import SPLUNK_COMMANDS
from harness.registry.unsupported import UNSUPPORTED_COMMANDS
from harness.spl.macros import expand
from harness.spl.pipeline import parse_pipeline
from harness.spl.source import Source


@pytest.mark.parametrize("name", sorted(UNSUPPORTED_COMMANDS))
def test_the_reason_is_shown(name: str) -> None:
    stage = parse_pipeline(expand(Source(f"| {name} x"), Knowledge(load_apps()))).stages[0]
    with pytest.raises(Unsupported) as caught:
        find_command(stage)
    assert caught.value.message == f"the command `{name}`: {UNSUPPORTED_COMMANDS[name]}"
    assert caught.value.place is not None


def test_none_is_supported_as_well() -> None:
    assert not UNSUPPORTED_COMMANDS.keys() & set(command_names())


def test_all_are_commands_of_splunk() -> None:
    assert UNSUPPORTED_COMMANDS.keys() <= SPLUNK_COMMANDS


def test_every_command_of_splunk_is_there_or_says_why_not() -> None:
    assert UNSUPPORTED_COMMANDS.keys() | set(command_names()) >= SPLUNK_COMMANDS
