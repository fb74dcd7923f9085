"""Which Splunk is meant, and with which secrets: they come from the environment or a file."""

from __future__ import annotations

import os
import re
import stat
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from harness.errors import Place, UsageError
from harness.replay import READ_SECONDS, Tls

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

DEFAULT_IMAGE = "splunk/splunk:9.4"
REST_PORT, HEC_PORT = 8089, 8088
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
SECRETS = ("token", "password", "hec_token")
VARIABLES = {name: f"HARNESS_SPLUNK_{name.upper()}" for name in SECRETS}


class BadSplunkAddress(UsageError):
    """What was named is no Splunk that can be reached."""


@dataclass(frozen=True, slots=True)
class SplunkSettings:
    """What a person may say about the Splunk; no secrets."""

    url: str | None = None
    hec_url: str | None = None
    image: str | None = None
    user: str = "admin"
    ca: Path | None = None
    insecure: bool = False
    keep: bool = False
    secrets: Path | None = None
    timeout: float = READ_SECONDS


@dataclass(frozen=True, slots=True)
class Address:
    """An instance with what opens it; secrets are never shown."""

    url: str
    hec_url: str
    user: str = "admin"
    token: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    hec_token: str | None = field(default=None, repr=False)
    tls: Tls = field(default_factory=Tls)
    owned: bool = False
    """Whether the instance is ours altogether: a container that was started for this."""
    seed: str | None = field(default=None, repr=False)
    """The HEC token that a container was started with: it has no acknowledgement."""
    timeout: float = READ_SECONDS
    """How many seconds it may be silent in the middle of an answer."""


@dataclass(frozen=True, slots=True)
class Image:
    """A container image that a Splunk is to be started from."""

    name: str
    keep: bool = False


def is_splunk(engine: str) -> bool:
    """Whether an engine's name means a Splunk: `splunk`, `splunk:9.4`, or a URL."""
    return engine == "splunk" or engine.startswith(("splunk:", "https://", "http://"))


def address_of(
    engine: str, settings: SplunkSettings, environment: Mapping[str, str] | None = None
) -> Address | Image:
    """What an engine's name means with these settings."""
    env = os.environ if environment is None else environment
    if engine.startswith("splunk:"):
        tag = engine.removeprefix("splunk:")
        if not TAG.fullmatch(tag):
            raise BadSplunkAddress(f"`{tag}` is no tag of an image", hints=["write splunk:9.4"])
        repository = (settings.image or DEFAULT_IMAGE).rsplit(":", 1)[0]
        return Image(f"{repository}:{tag}", settings.keep)
    url = engine if engine != "splunk" else settings.url
    if url is None or (engine == "splunk" and settings.image):
        return Image(settings.image or DEFAULT_IMAGE, settings.keep)
    return _remote(url, settings, env)


def _remote(url: str, settings: SplunkSettings, env: Mapping[str, str]) -> Address:
    rest = _checked(url, REST_PORT)
    parts = urlsplit(rest)
    hec = _checked(settings.hec_url or f"{parts.scheme}://{_host(rest)}", HEC_PORT)
    known = _secrets(settings.secrets, env)
    if not known.get("token") and not known.get("password"):
        raise BadSplunkAddress(
            f"nothing opens {rest}: there is neither a token nor a password",
            hints=[
                f"set {VARIABLES['token']}, or {VARIABLES['password']} (user {settings.user})",
                "or write them into a file and name it with HARNESS_SPLUNK_SECRETS",
            ],
        )
    return Address(
        rest,
        hec,
        settings.user,
        known.get("token"),
        known.get("password"),
        known.get("hec_token"),
        Tls(settings.ca, settings.insecure),
        timeout=settings.timeout,
    )


def _host(url: str) -> str:
    name = urlsplit(url).hostname or ""
    return f"[{name}]" if ":" in name else name


def _checked(url: str, port: int) -> str:
    try:
        parts = urlsplit(url)
        named = parts.port
    except ValueError as error:
        raise BadSplunkAddress(f"`{url}` is no URL: {error}") from error
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise BadSplunkAddress(f"`{url}` is no URL", hints=["write https://splunk.example:8089"])
    if parts.username or parts.password:
        raise BadSplunkAddress(
            "a URL is no place for a password", hints=[f"set {VARIABLES['password']}"]
        )
    return f"{parts.scheme}://{_host(url)}:{named or port}{parts.path.rstrip('/')}"


def _secrets(path: Path | None, env: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    if path is not None:
        found |= _read(path)
    for name, variable in VARIABLES.items():
        if value := env.get(variable):
            found[name] = value
    return found


def _read(path: Path) -> dict[str, str]:
    place = Place(str(path))
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise BadSplunkAddress(
                    "others may read the file of secrets", place=place, hints=[f"chmod 600 {path}"]
                )
            table = tomllib.load(file)
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no TOML"
        raise BadSplunkAddress(f"the secrets cannot be read: {reason}", place=place) from None
    wrong = [name for name in table if name not in SECRETS or not isinstance(table[name], str)]
    if wrong:
        raise BadSplunkAddress(
            f"`{wrong[0]}` is no secret", place=place, hints=[f"keys: {', '.join(SECRETS)}"]
        )
    return table
