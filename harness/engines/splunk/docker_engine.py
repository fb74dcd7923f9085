"""The Docker engine that the environment names, and what its client's errors mean."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from harness.errors import HarnessError
from harness.replay import SplunkFault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from docker.client import DockerClient

GIVE_UP = "or go on without Docker: --engine local, or --engine https://… of an existing Splunk"
DOCKER_SECONDS = 120


class DockerUnavailable(HarnessError):
    """There is no Docker engine to start a Splunk with."""


class ContainerFailed(SplunkFault):
    """The container did not start, or died."""


@contextmanager
def docker_client() -> Iterator[DockerClient]:
    """The Docker engine that the environment names."""
    try:
        from docker.client import DockerClient as Client  # noqa: PLC0415 - an extra, and heavy
        from docker.errors import DockerException  # noqa: PLC0415 - the same
    except ImportError as error:
        raise DockerUnavailable(
            "the Python package `docker` is not installed",
            hints=["pip install 'detection-harness[splunk]'", GIVE_UP],
        ) from error
    client = None
    try:
        client = Client.from_env(timeout=DOCKER_SECONDS)
        client.ping()
    except (DockerException, OSError) as error:
        if client is not None:
            client.close()
        raise DockerUnavailable(
            f"no Docker engine answers at {_where()}: {in_short(error)}",
            hints=["is it running, and may this user reach it?", GIVE_UP],
        ) from error
    try:
        yield client
    except docker_faults() as error:
        raise ContainerFailed(
            f"the Docker engine at {_where()} failed: {in_short(error)}",
            hints=["is it still running, and its disk not full?", GIVE_UP],
        ) from error
    finally:
        client.close()


def docker_faults() -> tuple[type[Exception], ...]:
    """What docker's client raises: its own errors, and those of the libraries below it."""
    import requests  # noqa: PLC0415 - with docker
    import urllib3  # noqa: PLC0415 - the same
    from docker.errors import DockerException  # noqa: PLC0415 - an extra

    return (DockerException, requests.RequestException, urllib3.exceptions.HTTPError)


def _where() -> str:
    return os.environ.get("DOCKER_HOST", "the default socket")


def in_short(error: BaseException) -> str:
    """What an error says, in one line."""
    text = getattr(error, "explanation", None) or str(error)
    return " ".join(str(text).split())[:400]
