"""`harness splunk`: what runs left on a Splunk, and the app that they need there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from harness.cli.options import PATH, knowledge_options, settings_from

if TYPE_CHECKING:
    from pathlib import Path


@click.group()
def splunk() -> None:
    """Clean up after runs on a Splunk, and write the app of a content folder."""


@splunk.command()
@click.option("--splunk-url", help="The Splunk to clean [containers only].")
@click.option("--splunk-hec-url", help="Where its HEC is.")
@click.option("--splunk-user", help="Who logs in with HARNESS_SPLUNK_PASSWORD [admin].")
@click.option("--splunk-ca", type=PATH, help="The authority of its certificate.")
@click.option("--splunk-insecure", is_flag=True, help="Do not verify certificates.")
@click.option("--splunk-secrets", type=PATH, help="A file of secrets, mode 600.")
@click.option("--splunk-timeout", help="Seconds that an answer may take [60].")
@click.option("--force", is_flag=True, help="Even where a run is using it.")
def clean(*, force: bool, **flags: Any) -> int:
    """Remove containers, and with --splunk-url what runs left on that instance.

    Containers are ours by their label, kept ones too. On an instance: users, roles, HEC tokens and
    search jobs that begin with `harness-`, marked events, and indexes that a run created.
    """
    from harness.engines.splunk import Address, address_of, instance_of
    from harness.engines.splunk.container import clean_containers
    from harness.engines.splunk.docker_engine import DockerUnavailable
    from harness.errors import UsageError
    from harness.trials.splunk import splunk_settings

    removed: list[str] = []
    settings = settings_from(flags)
    if settings.splunk_url:
        meant = address_of("splunk", splunk_settings(settings))
        if not isinstance(meant, Address):
            raise UsageError("no instance was named", hints=["--splunk-url https://…:8089"])
        instance = instance_of(meant)
        try:
            if instance.ledger.users() and not force:
                raise UsageError("a run is using the instance", hints=["--force cleans anyway"])
            removed += instance.clean()
        finally:
            instance.close()
    else:
        try:
            removed += clean_containers(force=force)
        except DockerUnavailable as error:
            click.echo(f"no containers: {error.message}", err=True)
            return error.exit_code
    for one in removed or ["nothing"]:
        click.echo(f"removed {one}")
    return 0


@splunk.command()
@click.argument("folder", type=PATH)
@knowledge_options
def app(folder: Path, **flags: Any) -> int:
    """Write the apps that detections need on a Splunk into FOLDER, one archive each.

    They are the built-in add-ons, those named with --app, and SA_harness_content with the macros,
    filter macros and lookups of the content folder.
    """
    from harness.engines.splunk.app_files import archive
    from harness.trials import Project
    from harness.trials.content_app import app_folders

    folder.mkdir(parents=True, exist_ok=True)
    for one in app_folders(Project(settings_from(flags))):
        path = folder / f"{one.name}.tgz"
        path.write_bytes(archive([one], packed=True))
        click.echo(str(path))
    return 0
