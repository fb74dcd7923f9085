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
    shift_time = false           # HARNESS_SHIFT_TIME   --shift-time
    splunk_url, splunk_hec_url, splunk_user, splunk_ca, splunk_insecure, splunk_image,
    splunk_timeout, splunk_raw,
    keep_splunk, splunk_secrets  # HARNESS_SPLUNK_URL … --splunk-url …
    accept = false               # HARNESS_ACCEPT       --harness-accept

    [tool.detection-harness.limits]
    subsearch_rows = 10000       # and the other limits of harness/model/limits.py

Paths in the file are relative to it.
"""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import Place, UsageError, nearest
from harness.model import Limits

if TYPE_CHECKING:
    from collections.abc import Mapping

TABLE = "detection-harness"
PATHS = ("content", "apps", "data", "iplocation", "splunk_ca", "splunk_secrets")
LISTS = ("apps", "data")
FLAGS = (
    "offline",
    "builtin_apps",
    "accept",
    "allow_local_addresses",
    "splunk_insecure",
    "splunk_raw",
    "keep_splunk",
    "shift_time",
)
YES, NO = frozenset({"1", "true", "yes", "on"}), frozenset({"", "0", "false", "no", "off"})
LIMITS = "limits"
NEVER_IN_FILES = ("allow_local_addresses",)
NEVER_IN_THE_ENVIRONMENT = (*NEVER_IN_FILES, LIMITS)
MEMORY = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]i?B|%)", re.IGNORECASE)
SECONDS = re.compile(r"\d+(?:\.\d+)?")
MOST_SECONDS = 3600
DEFAULT_MEMORY = "60%"
LEAST_MEMORY = 64_000_000
MOST_LIMIT = 10**12
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
    shift_time: bool = False
    splunk_url: str | None = None
    splunk_hec_url: str | None = None
    splunk_user: str = "admin"
    splunk_ca: Path | None = None
    splunk_insecure: bool = False
    splunk_image: str | None = None
    splunk_secrets: Path | None = None
    splunk_timeout: str | None = None
    splunk_raw: bool = False
    keep_splunk: bool = False
    allow_local_addresses: bool = False
    limits: Limits = field(default_factory=Limits)

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
        if settings.memory is not None:
            _check_memory(settings.memory)
        if settings.splunk_timeout is not None:
            seconds_of(settings.splunk_timeout)
        return settings


def seconds_of(text: str) -> float:
    """A number of seconds that somebody wrote."""
    if SECONDS.fullmatch(text) is None or not 0 < float(text) <= MOST_SECONDS:
        raise BadSetting(
            f"`{text}` is no number of seconds up to {MOST_SECONDS}", hints=["write 120"]
        )
    return float(text)


def _check_memory(text: str) -> None:
    found = MEMORY.fullmatch(text)
    if found is None:
        raise BadSetting(f"`{text}` is no size of memory", hints=["write 2GB, or 60%"])
    amount, unit = float(found[1]), found[2].upper()
    if unit == "%" and not 1 <= amount <= 100:
        raise BadSetting(f"`{text}` is no share of the memory", hints=["write 60%"])
    if unit != "%" and amount * _bytes_in(unit) < LEAST_MEMORY:
        raise BadSetting(f"`{text}` is too little memory to search with", hints=["write 2GB"])


def _bytes_in(unit: str) -> int:
    return int((1024 if "I" in unit else 1000) ** (1 + "KMGT".index(unit[0])))


def divided_memory(text: str | None, parts: int) -> str | None:
    """A size of memory for each of so many processes; None is the engine's own choice."""
    found = MEMORY.fullmatch(text or DEFAULT_MEMORY)
    if found is None or parts == 1:
        return text
    amount, unit = float(found[1]) / parts, found[2]
    if unit == "%":
        return f"{max(1, int(amount))}%"
    return f"{max(LEAST_MEMORY, int(amount * _bytes_in(unit.upper()))) // 1_000_000}MB"


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
        raise BadSetting(f"this is no TOML: {error}", place=Place(str(path))) from error
    found: dict[str, Any] = {}
    for key, value in table.items():
        place = _place(text, path, key)
        if key not in _names() or key in NEVER_IN_FILES:
            hints = nearest(key, _names()) or (f"keys: {', '.join(_names())}",)
            raise BadSetting(f"unknown key `{key}` in [tool.{TABLE}]", place=place, hints=hints)
        if key == LIMITS:
            found[key] = _limits(value, text, path, place)
        else:
            found[key] = _checked(key, value, path.parent, place)
    return found


def _limits(table: Any, text: str, path: Path, place: Place) -> Limits:
    """The limits of a search: whole numbers, under the names of `Limits`."""
    if not isinstance(table, dict):
        raise BadSetting(f"`{LIMITS}` is a table of whole numbers", place=place)
    known = tuple(one.name for one in fields(Limits))
    for key, value in table.items():
        at = _place(text, path, key)
        if key not in known:
            hints = nearest(key, known) or (f"limits: {', '.join(known)}",)
            raise BadSetting(
                f"unknown key `{key}` in [tool.{TABLE}.{LIMITS}]", place=at, hints=hints
            )
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST_LIMIT:
            raise BadSetting(
                f"`{key}` is a whole number, 1 or more", place=at, hints=[f"write {key} = 10000"]
            )
    return Limits(**table)


def _place(text: str, path: Path, key: str) -> Place:
    for number, line in enumerate(text.splitlines(), start=1):
        if re.match(rf"\s*(?:\[[\w.-]*\.)?\"?{re.escape(key)}\"?\s*[=\].]", line):
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
        if value is None or key in NEVER_IN_THE_ENVIRONMENT:
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
