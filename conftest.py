"""The project's own tests: the plugin comes by its entry point, the network stays off."""

from __future__ import annotations

import gc
import re
import socket
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

LOCAL = ("127.", "::1", "localhost", "0.0.0.0")  # noqa: S104 - compared with, never bound to
pytest_plugins = ["pytester"]
gc.set_threshold(50_000, 20, 20)  # thousands of cases are collected, and kept


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With `-k` of a detection's alias, leave test modules out that have no test of that name.

    `pytest -k wintemp` is a command that people wait for; there are thousands of other tests.
    """
    word: str = config.option.keyword
    if (
        collection_path.suffix != ".py"
        or not word.isalnum()
        or not _is_alias(word, config.rootpath)
    ):
        return None
    inside = collection_path.is_relative_to(config.rootpath / "tests")
    named = re.compile(rf"def test_\w*{word}")
    return True if inside and not named.search(collection_path.read_text("utf-8")) else None


@cache
def _is_alias(word: str, root: Path) -> bool:
    sidecars = (root / "detections").rglob("*.expected.yaml")
    return any(f"alias: {word}\n" in path.read_text(encoding="utf-8") for path in sidecars)


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
