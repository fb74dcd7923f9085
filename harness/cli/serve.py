"""`harness serve`: a Splunk-compatible server over the local evaluator."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from harness.cli.options import data_options, knowledge_options, settings_from

VARIABLE = "HARNESS_SERVE_PASSWORD"
LEAST_PASSWORD = 8


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8089, show_default=True, help="Port of REST."
)
@click.option(
    "--hec-port",
    type=click.IntRange(0, 65535),
    default=8088,
    show_default=True,
    help="Port of HEC.",
)
@click.option("--user", default="admin", show_default=True, help="Name of the administrator.")
@click.option(
    "--password-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help=f"File with the password [{VARIABLE}].",
)
@click.option("--hec-token", envvar="HARNESS_SERVE_HEC_TOKEN", help="A token made at the start.")
@click.option("--state", type=click.Path(path_type=Path), help="Folder that keeps everything.")
@click.option("--no-tls", is_flag=True, help="Plain HTTP, on loopback only.")
@knowledge_options
@data_options
def serve(
    *,
    host: str,
    port: int,
    hec_port: int,
    user: str,
    password_file: Path | None,
    hec_token: str | None,
    state: Path | None,
    no_tls: bool,
    **flags: Any,
) -> int:
    """Answer on Splunk's ports as a Splunk would, until a signal comes."""
    import asyncio
    import importlib.util

    from harness.server.app import LOOPBACK, Server, ServerExtraMissing, listen
    from harness.trials import Project
    from harness.trials.loading import told_of_data

    for name in ("uvicorn", "cryptography"):
        if importlib.util.find_spec(name) is None:
            raise ServerExtraMissing(
                f"`harness serve` needs the package {name}",
                hints=["pip install 'detection-harness[server]'"],
            )
    if no_tls and host not in LOOPBACK:
        raise click.UsageError("--no-tls is for loopback only")
    os.umask(0o077)  # the state holds events, tokens and digests of passwords
    settings = settings_from(flags)
    project = Project(settings)
    server = Server(project, user=user, password=_password(password_file), state=state)
    try:
        if hec_token:
            server.configuration.set("inputs", "http://harness", {"token": hec_token})
        if settings.data:
            _load(server, project, told_of_data(project))

        def ready(rest: int, events: int, certificate: str) -> None:
            scheme = "http" if no_tls else "https"
            shown = f"[{host}]" if ":" in host else host
            click.echo(f"REST {scheme}://{shown}:{rest}")
            click.echo(f"HEC {scheme}://{shown}:{events}")
            if certificate and state is not None:
                click.echo(f"certificate {state / 'server.crt'}")
            click.echo("ready")

        asyncio.run(
            listen(
                server,
                host=host,
                port=port,
                hec_port=hec_port,
                tls=not no_tls,
                state=state,
                ready=ready,
            )
        )
    finally:
        server.close()
    return 3 if server.is_broken else 0


def _load(server: Any, project: Any, origin: Any) -> None:
    from harness.ingest import ingest, shown_losses
    from harness.report.escaping import shown
    from harness.trials.loading import opened

    files, tables = opened(project, project.settings.data, origin)
    if tables:
        raise click.UsageError("`harness serve` takes files of events, no tables of fields")
    losses: list[Any] = []
    server.load(ingest(files, origin, project.apps, losses=losses, evaluate=project.evaluate))
    for text in shown_losses(losses):
        click.echo(f"warning: {shown(text)}", err=True)


def _password(file: Path | None) -> str:
    if file is not None:
        text = file.read_text(encoding="utf-8").strip("\r\n")
    else:
        text = os.environ.get(VARIABLE, "")
    if len(text) < LEAST_PASSWORD:
        raise click.UsageError(
            f"a password of {LEAST_PASSWORD} characters or more is needed:"
            f" --password-file FILE, or {VARIABLE}"
        )
    return text
