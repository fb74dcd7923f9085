"""Options that several commands share, and the settings that they make."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.trials.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console

PATH = click.Path(path_type=Path)


def knowledge_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """--content, --app, --iplocation, --no-builtin-apps, --index and the clock."""
    for option in reversed(
        (
            click.option("--content", type=PATH, help="Folder laid out as security_content."),
            click.option(
                "--app",
                "apps",
                type=PATH,
                multiple=True,
                help="A Splunk app: a folder, or an archive.",
            ),
            click.option("--iplocation", type=PATH, help="IP locations, a file of MaxMind's kind."),
            click.option("--no-builtin-apps", is_flag=True, help="Leave the built-in add-ons out."),
            click.option("--index", help="Index of events that are told none [main]."),
            click.option("--timezone", help="Zone of bare times and of days [TZ, else UTC]."),
            click.option("--now", help="The clock [just after the newest event]."),
            click.option("--earliest", help="Where the time range begins [all time]."),
            click.option("--latest", help="Where the time range ends [all time]."),
        )
    ):
        function = option(function)
    return function


def data_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """--data, what is told of it, and the memory for searching it."""
    for option in reversed(
        (
            click.option("--data", type=PATH, multiple=True, help="A file of events, or a folder."),
            click.option("--sourcetype", help="Source type of the data [told by its format]."),
            click.option("--source", help="Source of the data [told by its format]."),
            click.option("--memory", help="Memory for searches; more is spilled [60%]."),
        )
    ):
        function = option(function)
    return function


def splunk_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """--engine, --shift-time, and what is told of a Splunk."""
    engine = click.option(
        "--engine",
        "engines",
        multiple=True,
        help="local, splunk, splunk:9.4, or a Splunk's URL; repeatable [local].",
    )
    return engine(instance_options(function))


def instance_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """--shift-time, and what is told of a Splunk."""
    for option in reversed(
        (
            click.option("--shift-time", is_flag=True, help="Move the newest event to now."),
            click.option("--splunk-url", help="The Splunk that --engine splunk means."),
            click.option("--splunk-hec-url", help="Where its HEC is [the same host, port 8088]."),
            click.option("--splunk-user", help="Who logs in with HARNESS_SPLUNK_PASSWORD [admin]."),
            click.option("--splunk-ca", type=PATH, help="The authority of its certificate."),
            click.option("--splunk-insecure", is_flag=True, help="Do not verify certificates."),
            click.option("--splunk-secrets", type=PATH, help="A file of secrets, mode 600."),
            click.option("--splunk-timeout", help="Seconds that an answer may take [60]."),
            click.option("--splunk-image", help="The image of a container [splunk/splunk:9.4]."),
            click.option("--splunk-raw", is_flag=True, help="It breaks and dates texts itself."),
            click.option("--keep-splunk", is_flag=True, help="Keep the container for later runs."),
        )
    ):
        function = option(function)
    return function


def settings_from(flags: dict[str, Any]) -> Settings:
    """The settings of the project in the current folder, with the flags over them."""
    told = dict(flags)
    if told.pop("no_builtin_apps", False):
        settings = Settings.read(Path(), told)
        return _without_builtin(settings)
    return Settings.read(Path(), told)


def _without_builtin(settings: Settings) -> Settings:
    from dataclasses import replace

    return replace(settings, builtin_apps=False)


def console(*, stderr: bool = False) -> Console:
    """A rich console that writes nothing but text into a pipe."""
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, soft_wrap=False)


@contextmanager
def progress(label: str, total: int, *, shown: bool) -> Iterator[Callable[[], None]]:
    """A progress bar on a terminal's stderr; what is given is called for each thing done."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    screen = console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    visible = shown and screen.is_terminal
    with Progress(*columns, console=screen, transient=True, disable=not visible) as bar:
        task = bar.add_task(label, total=total)
        yield lambda: bar.advance(task)
