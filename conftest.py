"""The project's own tests: the plugin comes by its entry point, the network stays off."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

LOCAL = ("127.", "::1", "localhost", "0.0.0.0")  # noqa: S104 - compared with, never bound to
pytest_plugins = ["pytester"]


@pytest.fixture(autouse=True)
def _no_network(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests reach this machine only; a trial's skip for want of network stays what it is."""
    if request.node.get_closest_marker("trial") is not None:
        return
    resolve = socket.getaddrinfo

    def guarded(host: Any, *arguments: Any, **options: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else str(host or "")
        if not name.startswith(LOCAL):
            raise socket.gaierror(socket.EAI_NONAME, f"the network is off in tests: {name}")
        return resolve(host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", guarded)


@pytest.fixture
def corpus(request: pytest.FixtureRequest) -> Path:
    """The folder of real data beside the repository, or a skip where it is not."""
    folder = request.config.rootpath.parent / "shared" / "corpus"
    if not folder.is_dir():
        pytest.skip("../shared/corpus is not here")
    return folder
