"""`harness datasets`: list, fetch, verify, and where they are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.options import console
from harness.errors import HarnessError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.datasets import DatasetFile, Manifest, Store
    from harness.trials import Project


def _project(content: Path | None, *, allow_local_addresses: bool = False) -> Project:
    from harness.trials import Project, Settings

    flags: dict[str, Any] = {"content": content, "allow_local_addresses": allow_local_addresses}
    return Project(Settings.read(Path(), flags))


def _store(project: Project, *, retry: bool) -> Store:
    from harness.datasets import Store, StoreSettings

    settings = StoreSettings.from_environment(
        roots=(project.settings.root.resolve(), project.content.root.resolve()),
        allow_local_addresses=project.settings.allow_local_addresses,
    )
    return Store(replace(settings, retry_now=retry))


def _chosen(project: Project, names: tuple[str, ...]) -> Iterator[Manifest]:
    catalog = project.catalog()
    if not catalog:
        click.echo("there are no datasets: their manifests are the files datasets/*.yml", err=True)
    if names:
        return (catalog.get(name) for name in names)
    return iter(catalog)


@click.group()
def datasets() -> None:
    """List, fetch and verify the datasets that manifests name."""


def _state(store: Store, file: DatasetFile) -> str:
    """How a file stands, or what is wrong with its entry: one bad entry hides no other."""
    from harness.report.escaping import shown

    try:
        return str(store.status(file).value)
    except HarnessError as error:
        return shown(error.message)


CONTENT = click.option("--content", type=click.Path(path_type=Path), help="Content folder.")


@datasets.command("list")
@CONTENT
def list_(content: Path | None) -> int:
    """List every dataset with its size and whether it is here."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from harness.report.escaping import shown

    project = _project(content)
    store = _store(project, retry=False)
    table = Table(box=box.SIMPLE, pad_edge=False)
    for heading in ("dataset", "state", "bytes", "file"):
        table.add_column(
            heading, justify="right" if heading == "bytes" else "left", overflow="fold"
        )
    for manifest in _chosen(project, ()):
        if manifest.synthetic is not None:
            table.add_row(Text(shown(manifest.name)), Text("synthetic", "magenta"), "", "a recipe")
        for file in manifest.files:
            state = _state(store, file)
            size = f"{file.size:,}" if file.size is not None else ""
            name = file.url.rsplit("/", 1)[-1]
            table.add_row(Text(shown(manifest.name)), Text(state), size, Text(shown(name)))
    if table.row_count:
        console().print(table)
    return 0


@datasets.command()
@CONTENT
@click.argument("names", nargs=-1)
@click.option("--retry", is_flag=True, help="Try hosts again that could not be reached just now.")
@click.option("--allow-local-addresses", is_flag=True, help="Admit http, file and local addresses.")
def fetch(
    content: Path | None, names: tuple[str, ...], *, retry: bool, allow_local_addresses: bool
) -> int:
    """Fetch datasets by name, all of them without a name."""
    project = _project(content, allow_local_addresses=allow_local_addresses)
    store = _store(project, retry=retry)
    for manifest in _chosen(project, names):
        for path, _ in store.obtain_all(manifest):
            click.echo(f"{manifest.name}: {path}")
    return 0


@datasets.command()
@CONTENT
@click.argument("names", nargs=-1)
def verify(content: Path | None, names: tuple[str, ...]) -> int:
    """Hash the datasets that are here and compare; the network is not used."""
    project = _project(content)
    store = _store(project, retry=False)
    for manifest in _chosen(project, names):
        for file in manifest.files:
            click.echo(f"{manifest.name}: ok, {store.verify(file)}")
    return 0


@datasets.command()
@CONTENT
@click.argument("name")
def path(content: Path | None, name: str) -> int:
    """Print where a dataset's files are, or will be."""
    project = _project(content)
    store = _store(project, retry=False)
    manifest = project.catalog().get(name)
    if not manifest.files:
        click.echo(f"`{manifest.name}` is rendered from a recipe: it has no files", err=True)
    for file in manifest.files:
        click.echo(str(store.path(file)))
    return 0
