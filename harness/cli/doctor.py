"""`harness doctor`: what is installed, what is cached, what can be reached."""

from __future__ import annotations

import platform
import socket
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

import click

from harness.cli.options import console

if TYPE_CHECKING:
    from pathlib import Path

PACKAGES = ("detection-harness", "duckdb", "sqlglot", "evtx", "regex", "pytest", "rich")
HOST = "media.githubusercontent.com"
CONNECT_SECONDS = 3.0


@click.command()
def doctor() -> int:
    """Show what is installed, cached and reachable; exit 0 when trials can run."""
    from rich import box
    from rich.table import Table

    from harness.apps import load_apps
    from harness.datasets import StoreSettings

    table = Table(box=box.SIMPLE, pad_edge=False, show_header=False)
    table.add_row("Python", platform.python_version(), platform.platform(terse=True))
    for name in PACKAGES:
        try:
            table.add_row(name, version(name), "")
        except PackageNotFoundError:
            table.add_row(name, "missing", "reinstall detection-harness")
    apps = load_apps()
    table.add_row("built-in apps", str(len(apps.names)), ", ".join(apps.names))
    settings = StoreSettings.from_environment()
    cached = sum(1 for one in _files(settings.cache_dir)) if settings.cache_dir.is_dir() else 0
    table.add_row("cache", f"{cached} files", str(settings.cache_dir))
    clone = settings.attack_data
    table.add_row(
        "attack_data clone", "yes" if clone else "no", str(clone or "HARNESS_ATTACK_DATA")
    )
    if settings.offline:
        table.add_row(HOST, "not tried", "HARNESS_OFFLINE is set")
    else:
        reached = _reached()
        note = "" if reached else "official datasets are skipped, stand-ins are used"
        table.add_row(HOST, "reachable" if reached else "unreachable", note)
    console().print(table)
    return 0


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _reached() -> bool:
    try:
        with socket.create_connection((HOST, 443), timeout=CONNECT_SECONDS):
            return True
    except OSError:
        return False
