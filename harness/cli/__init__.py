"""The command line: `harness run`, `search`, `explain`, `fields`, `check`, `batch`, `compare`…."""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING, Any

import click

from harness.errors import HarnessError, Unsupported

if TYPE_CHECKING:
    from collections.abc import Sequence

INTERRUPTED, UNREAD = 130, 141
GARBAGE_THRESHOLD = 50_000
"""Plans and statements are trees of many short-lived objects: 15 % of a batch was collection."""
COMMANDS = {
    "run": ("harness.cli.run", "run", "Run the trials of detections."),
    "search": ("harness.cli.search", "search", "Run a search over files of events."),
    "explain": ("harness.cli.explain", "explain", "Say why a search gives what it gives."),
    "fields": ("harness.cli.fields", "fields", "Show an event's fields and where they come from."),
    "check": ("harness.cli.check", "check", "Compile detections and check them, without data."),
    "batch": ("harness.cli.batch", "batch", "Run a whole library over one dataset."),
    "compare": ("harness.cli.compare", "compare", "Run the same trials on two engines."),
    "apps": ("harness.cli.apps", "apps", "List the loaded Splunk apps, and show one."),
    "splunk": ("harness.cli.splunk", "splunk", "Clean up after runs on a Splunk."),
    "serve": ("harness.cli.serve", "serve", "Answer as a Splunk would: REST and HEC."),
    "datasets": ("harness.cli.datasets", "datasets", "List, fetch and verify datasets."),
    "doctor": ("harness.cli.doctor", "doctor", "Show what is installed, cached and reachable."),
}


class LateCommands(click.Group):
    """Imports a command when it is called: start-up is a feature."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The commands, in the order in which they are explained."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name; an unknown one fails with the nearest."""
        from importlib import import_module

        from harness.errors import nearest

        if cmd_name not in COMMANDS:
            hint = "".join(f" ({text})" for text in nearest(cmd_name, COMMANDS))
            ctx.fail(f"no such command `{cmd_name}`{hint}")
        module, name, _ = COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(module), name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Call the command; where the reader of what it prints is gone, end with 141."""
        try:
            code = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            return _unread()
        except SystemExit as ending:  # rich says it so
            if not isinstance(ending.__context__, BrokenPipeError):
                raise
            return _unread()
        return code

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        formatter: click.HelpFormatter,
    ) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, _, text) in COMMANDS.items()])


@click.group(cls=LateCommands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="detection-harness", prog_name="harness")
def cli() -> None:
    """Replay attack data and assert that Splunk detections fire."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 passed, 1 failed, 2 usage, 3 error."""
    gc.set_threshold(GARBAGE_THRESHOLD, 20, 20)
    try:
        code = cli.main(arguments, prog_name="harness", standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("interrupted", err=True)
        code = INTERRUPTED
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except HarnessError as error:
        from harness.report.escaping import shown

        word = "unsupported" if isinstance(error, Unsupported) else "error"
        click.echo(f"{word}: {shown(error.render())}", err=True)
        code = error.exit_code
    gc.freeze()  # 70 ms of a run went into collecting what the process leaves behind
    sys.exit(code if isinstance(code, int) else 0)


def _unread() -> int:
    """Nobody reads on (`| head`): say no more, and nothing that could be taken for a verdict."""
    import os

    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(nowhere, stream.fileno())
    return UNREAD
