from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness.datasets import BadSetting, StoreSettings


def test_the_environment_is_read() -> None:
    settings = StoreSettings.from_environment(
        {"HARNESS_CACHE_DIR": "/c", "HARNESS_OFFLINE": "1", "HARNESS_ATTACK_DATA": "/clone"}
    )
    assert settings.cache_dir == Path("/c")
    assert settings.offline
    assert settings.attack_data == Path("/clone")


def test_arguments_win_over_the_environment() -> None:
    settings = StoreSettings.from_environment(
        {"HARNESS_CACHE_DIR": "/c", "HARNESS_OFFLINE": "1"}, offline=False, cache_dir=Path("/d")
    )
    assert settings.cache_dir == Path("/d")
    assert not settings.offline


def test_the_users_cache_is_the_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    settings = StoreSettings.from_environment({})
    assert settings.cache_dir.name == "detection-harness"
    assert settings.attack_data is None
    assert settings.limits.connect_timeout_seconds == 3.0


@pytest.mark.parametrize("value", ["", "0", "no", "False", "off"])
def test_offline_may_be_denied(value: str) -> None:
    assert not StoreSettings.from_environment({"HARNESS_OFFLINE": value}).offline


def test_offline_that_is_neither_is_refused() -> None:
    with pytest.raises(BadSetting, match="HARNESS_OFFLINE='maybe' is neither yes nor no"):
        StoreSettings.from_environment({"HARNESS_OFFLINE": "maybe"})


def test_the_environment_cannot_allow_local_addresses() -> None:
    settings = StoreSettings.from_environment({"HARNESS_ALLOW_LOCAL_ADDRESSES": "1"})
    assert not settings.allow_local_addresses


def test_importing_the_package_loads_nothing_heavy() -> None:
    """Start-up is a feature: the libraries come when something is fetched or read."""
    heavy = "requests urllib3 stamina rich yaml filelock platformdirs tarfile"
    code = (
        "import sys, harness.datasets\n"
        f"print([name for name in {heavy.split()!r} if name in sys.modules])"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert shown.strip() == "[]"
