"""What the person at the command line decides about fetching: where to, how much, how long."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.datasets.errors import BadSetting
from harness.storage.bounds import GIBIBYTE, Bounds
from harness.storage.files import cache_folder

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from harness.datasets.progress import Progress

_YES = frozenset({"1", "true", "yes", "on"})
_NO = frozenset({"", "0", "false", "no", "off"})


@dataclass(frozen=True, slots=True)
class Limits(Bounds):
    """Bounds on one dataset file; sizes in bytes, times in seconds.

    `connect_timeout_seconds` covers name resolution and connecting together.
    """

    connect_timeout_seconds: float = 3.0
    read_timeout_seconds: float = 30.0
    total_seconds: float = 1800.0
    attempts: int = 5
    first_wait_seconds: float = 0.5
    longest_wait_seconds: float = 30.0
    max_redirects: int = 5
    max_bytes: int = 8 * GIBIBYTE
    unreachable_memory_seconds: float = 600.0


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """Where datasets are kept and what may be asked of the network.

    `attack_data` is a local clone of attack_data, looked at before the network. `roots` are
    the folders that a manifest's paths may lie in: the project and the content folder (the
    manifest's own folder always counts). `default_index` is for files whose manifest names no
    index. `allow_local_addresses` admits `file://`, `http://`
    and addresses that are not public; only the command line may set it. `retry_now` forgets
    that a host could not be reached. `progress` is `None` for the bar of a terminal.
    """

    cache_dir: Path
    offline: bool = False
    attack_data: Path | None = None
    roots: tuple[Path, ...] = ()
    default_index: str = "main"
    allow_local_addresses: bool = False
    retry_now: bool = False
    limits: Limits = field(default_factory=Limits)
    progress: Progress | None = None

    @classmethod
    def from_environment(
        cls, environment: Mapping[str, str] | None = None, **overrides: Any
    ) -> Self:
        """Read `HARNESS_CACHE_DIR`, `HARNESS_OFFLINE` and `HARNESS_ATTACK_DATA`.

        Keyword arguments are fields of this class and win over the environment.
        """
        env = os.environ if environment is None else environment
        clone = env.get("HARNESS_ATTACK_DATA")
        settings = cls(
            cache_dir=cache_folder(env),
            offline=_flag(env, "HARNESS_OFFLINE"),
            attack_data=Path(clone).expanduser() if clone else None,
        )
        return replace(settings, **overrides)


def _flag(env: Mapping[str, str], name: str) -> bool:
    value = env.get(name, "").strip().casefold()
    if value in _YES:
        return True
    if value in _NO:
        return False
    raise BadSetting(
        f"{name}={env[name]!r} is neither yes nor no",
        hints=(f"write {name}=1, or unset it",),
    )
