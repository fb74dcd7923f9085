"""What a person may set: by flag, in the environment, or in pyproject.toml; the first wins.

    [tool.detection-harness]
    content = "content"          # HARNESS_CONTENT      --content
    apps = ["apps/my_addon"]     # HARNESS_APPS         --app
    iplocation = "places.mmdb"   # HARNESS_IPLOCATION   --iplocation
    engine = "local"             # HARNESS_ENGINE       --engine
    index = "main"               # HARNESS_INDEX        --index
    offline = true               # HARNESS_OFFLINE      --offline
    timezone = "UTC"             # TZ                   --timezone
    builtin_apps = true          # HARNESS_BUILTIN_APPS --no-builtin-apps
    now, earliest, latest        # HARNESS_NOW …        --now, --earliest, --latest
    data, sourcetype, source     # HARNESS_DATA …       --data, --sourcetype, --source
    memory = "2GB"               # HARNESS_MEMORY       --memory
    accept = false               # HARNESS_ACCEPT       --harness-accept

Paths in the file are relative to it.
"""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import Place, UsageError, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

TABLE = "detection-harness"
PATHS = ("content", "apps", "data", "iplocation")
LISTS = ("apps", "data")
FLAGS = ("offline", "builtin_apps", "accept", "allow_local_addresses")
YES, NO = frozenset({"1", "true", "yes", "on"}), frozenset({"", "0", "false", "no", "off"})
NEVER_IN_FILES = ("allow_local_addresses",)
MEMORY = re.compile(r"\d+(?:\.\d+)?\s*(?:[KMGT]i?B|%)", re.IGNORECASE)
VARIABLES = {"timezone": "TZ"}


class BadSetting(UsageError):
    """A setting that does not exist or cannot be meant."""


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings with their defaults; `root` is the folder of the project."""

    root: Path = Path()
    content: Path | None = None
    apps: tuple[Path, ...] = ()
    iplocation: Path | None = None
    engine: str = "local"
    index: str = "main"
    offline: bool = False
    timezone: str = "UTC"
    builtin_apps: bool = True
    now: str | None = None
    earliest: str | None = None
    latest: str | None = None
    data: tuple[Path, ...] = ()
    sourcetype: str | None = None
    source: str | None = None
    memory: str | None = None
    accept: bool = False
    allow_local_addresses: bool = False

    @classmethod
    def read(
        cls,
        root: Path,
        flags: Mapping[str, Any],
        environment: Mapping[str, str] | None = None,
    ) -> Settings:
        """The settings of a project; `flags` holds what the command line says, None if nothing."""
        env = os.environ if environment is None else environment
        settings = cls(root=root)
        settings = replace(settings, **_from_file(root / "pyproject.toml"))
        settings = replace(settings, **_from_environment(env))
        told = {name: value for name, value in flags.items() if value not in (None, (), False)}
        settings = replace(settings, **told)
        if settings.memory is not None and not MEMORY.fullmatch(settings.memory):
            raise BadSetting(f"`{settings.memory}` is no size of memory", hints=["write 2GB"])
        return settings


def _names() -> tuple[str, ...]:
    return tuple(one.name for one in fields(Settings) if one.name != "root")


def _from_file(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError:
        return {}
    if TABLE not in text:
        return {}
    try:
        table = tomllib.loads(text).get("tool", {}).get(TABLE, {})
    except tomllib.TOMLDecodeError as error:
        raise BadSetting(f"pyproject.toml: {error}", place=Place(str(path))) from error
    found: dict[str, Any] = {}
    for key, value in table.items():
        place = _place(text, path, key)
        if key not in _names() or key in NEVER_IN_FILES:
            hints = nearest(key, _names()) or (f"keys: {', '.join(_names())}",)
            raise BadSetting(f"unknown key `{key}` in [tool.{TABLE}]", place=place, hints=hints)
        found[key] = _checked(key, value, path.parent, place)
    return found


def _place(text: str, path: Path, key: str) -> Place:
    for number, line in enumerate(text.splitlines(), start=1):
        if line.lstrip().startswith(key):
            return Place(str(path), number, 1)
    return Place(str(path))


def _checked(key: str, value: Any, base: Path, place: Place) -> Any:
    if key in FLAGS:
        if not isinstance(value, bool):
            raise BadSetting(f"`{key}` is true or false", place=place)
        return value
    if key in LISTS:
        values = [value] if isinstance(value, str) else value
        if not isinstance(values, list) or not all(isinstance(one, str) for one in values):
            raise BadSetting(f"`{key}` is a list of paths", place=place)
        return tuple(base / one for one in values)
    if not isinstance(value, str):
        raise BadSetting(f"`{key}` is text", place=place)
    return base / value if key in PATHS else value


def _from_environment(env: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key in _names():
        variable = VARIABLES.get(key, f"HARNESS_{key.upper()}")
        value = env.get(variable)
        if value is None or key in NEVER_IN_FILES:
            continue
        if key in FLAGS:
            if value.lower() not in YES | NO:
                raise BadSetting(
                    f"{variable}={value} is neither yes nor no", hints=[f"write {variable}=1"]
                )
            found[key] = value.lower() in YES
        elif key in LISTS:
            found[key] = tuple(Path(one) for one in value.split(os.pathsep) if one)
        elif value:
            found[key] = Path(value) if key in PATHS else _zone(key, value)
    return found


def _zone(key: str, value: str) -> str:
    """TZ may hold what is no IANA name (`:/etc/localtime`); then times are UTC."""
    if key != "timezone":
        return value
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - only where TZ is set

    name = value.removeprefix(":")
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError) as error:
        raise BadSetting(
            f"TZ={value} is no time zone", hints=["for example TZ=Europe/Berlin"]
        ) from error
    return name
