"""Which addresses data may come from, and where attack_data keeps what.

A manifest comes with content that somebody else wrote, so what it names is not trusted:
https to public addresses, and paths inside the project, are all that it may ask for. The
rest (`file://`, `http://`, addresses of this machine or its network) needs the person at
the command line to say so.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from harness.datasets.errors import ForbiddenAddress

if TYPE_CHECKING:
    from collections.abc import Iterable
    from urllib.parse import SplitResult

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

MEDIA_HOST = "media.githubusercontent.com"
RAW_HOST = "raw.githubusercontent.com"
_MEDIA_PREFIX = "/media/splunk/attack_data/"
_RAW_PREFIX = "/splunk/attack_data/"
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# What Python calls global has changed within releases, and takes in unassigned space; these do not.
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_IETF_PROTOCOLS = ipaddress.IPv4Network("192.0.0.0/24")
_ALLOW = "pass --allow-local-addresses if this address is meant"


def attack_data_address(path: str) -> str:
    """The https address of a path in attack_data, `datasets/…` with or without a slash."""
    return f"https://{MEDIA_HOST}{_MEDIA_PREFIX}master/{path.lstrip('/')}"


def attack_data_path(url: str) -> str | None:
    """The path below attack_data's root that `url` names, or `None` for any other address.

    Both forms count, the data (`media.…`) and the file as git holds it (`raw.…`), on any
    branch. A path with an empty, `.` or `..` part is not one of attack_data's.
    """
    parts = urlsplit(url)
    prefix = {MEDIA_HOST: _MEDIA_PREFIX, RAW_HOST: _RAW_PREFIX}.get(parts.hostname or "")
    if prefix is None or parts.scheme != "https" or not parts.path.startswith(prefix):
        return None
    _, _, path = parts.path.removeprefix(prefix).partition("/datasets/")
    names = unquote(path).split("/")
    if any(name in {"", ".", ".."} or "\\" in name or "\0" in name for name in names):
        return None
    return "/".join(["datasets", *names])


def pointer_address(url: str) -> str | None:
    """Where the LFS pointer of a `media.githubusercontent.com` attack_data file is kept."""
    parts = urlsplit(url)
    if parts.hostname != MEDIA_HOST or attack_data_path(url) is None:
        return None
    return f"https://{RAW_HOST}{_RAW_PREFIX}{parts.path.removeprefix(_MEDIA_PREFIX)}"


def data_address(url: str) -> str | None:
    """Where the data behind a `raw.githubusercontent.com` attack_data pointer is kept."""
    parts = urlsplit(url)
    if parts.hostname != RAW_HOST or attack_data_path(url) is None:
        return None
    return f"https://{MEDIA_HOST}{_MEDIA_PREFIX}{parts.path.removeprefix(_RAW_PREFIX)}"


def is_address(text: str) -> bool:
    """Whether `text` is an address with a scheme, not a path (a drive letter is none)."""
    scheme, colon, rest = text.partition("://")
    return bool(colon) and bool(rest) and scheme.isascii() and scheme.isalnum()


def shown(text: str) -> str:
    """`text` for a message: secrets of its query left out, control characters made visible."""
    plain = text.partition("?")[0] if is_address(text) else text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in plain)


def checked_address(url: str, *, allow_local: bool) -> SplitResult:
    """The parts of an `http(s)` address that may be asked for, without resolving its name.

    Raises `ForbiddenAddress` for other schemes, for credentials in the address, for a
    missing host or bad port, and, unless `allow_local`, for http and for literal addresses
    that are not public.
    """
    try:
        parts = urlsplit(url)
        port_is_bad = parts.port == 0
    except ValueError:
        raise ForbiddenAddress(
            f"`{shown(url)}` is not an address", hints=("write https://host/path",)
        ) from None
    if parts.scheme not in {"http", "https"}:
        raise ForbiddenAddress(
            f"`{shown(url)}`: data is fetched over https only, not `{shown(parts.scheme)}`",
            hints=("use an https address, or a path inside the project",),
        )
    if parts.username is not None or parts.password is not None:
        raise ForbiddenAddress(
            f"the address on host `{shown(parts.hostname or '')}` carries a user name or password",
            hints=("take them out of the address", "a .netrc file can hold them"),
        )
    if not parts.hostname or port_is_bad:
        raise ForbiddenAddress(f"`{shown(url)}` names no host and port", hints=("mend it",))
    if not parts.hostname.isascii():
        raise ForbiddenAddress(
            f"the host name in `{shown(url)}` has letters that are not ASCII",
            hints=("write the name in its xn-- form",),
        )
    if not allow_local:
        if parts.scheme == "http":
            raise ForbiddenAddress(
                f"`{shown(url)}` is http, which anyone on the way can change",
                hints=("use https", _ALLOW),
            )
        _check_literal(parts.hostname, url)
    return parts


def check_public(addresses: Iterable[str], url: str) -> None:
    """Raise `ForbiddenAddress` if any of the IP addresses is not a public one.

    One private address among several is enough to refuse, since which of them is used is
    not the manifest's to choose.
    """
    for address in addresses:
        if not _is_public(ipaddress.ip_address(address.partition("%")[0])):
            raise ForbiddenAddress(
                f"`{shown(url)}` leads to {address}, which is not a public address",
                hints=(_ALLOW,),
            )


def is_loopback(host: str) -> bool:
    """Whether `host` is, literally, this machine."""
    if host.casefold().rstrip(".").rpartition(".")[2] == "localhost":
        return True
    literal = _literal(host)
    return literal is not None and literal.is_loopback


def _check_literal(host: str, url: str) -> None:
    literal = _literal(host)
    if literal is not None:
        check_public([str(literal)], url)
    elif is_loopback(host):
        raise ForbiddenAddress(f"`{shown(url)}` leads to this machine itself", hints=(_ALLOW,))


def _literal(host: str) -> IPAddress | None:
    """An address in any spelling that a resolver takes (`127.1`, `0x7f000001`)."""
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        pass
    if not host.replace(".", "").replace("x", "").replace("X", "").isalnum():
        return None
    try:
        return ipaddress.ip_address(socket.inet_aton(host))
    except (OSError, ValueError):
        return None


def _is_public(address: IPAddress) -> bool:
    """Whether an address, and any IPv4 address that it carries inside, is public."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
        if inner is not None:
            return _is_public(inner)
        return address.is_global and address in _GLOBAL_UNICAST
    return address.is_global and not address.is_multicast and address not in _IETF_PROTOCOLS
