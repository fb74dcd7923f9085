"""Entries and feeds as Splunk's REST interface writes them: Atom XML, or JSON.

Source: REST API User Manual, "Atom feed response" and "Encoding schemes".
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

from harness.server.http import Response

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.server.http import Request

VERSION, BUILD = "9.3.0", "51ccf43db5bd"
NAMESPACES = (
    'xmlns="http://www.w3.org/2005/Atom" xmlns:s="http://dev.splunk.com/ns/rest"'
    ' xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/"'
)
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
JSON = "application/json; charset=UTF-8"
FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold, not even escaped."""
DEFAULT_COUNT = 30


@dataclass(slots=True)
class Entry:
    """One thing of the server: its name, where it lies, and what is known of it."""

    name: str
    path: str
    content: Mapping[str, Any]
    owner: str = "nobody"
    app: str = "system"
    sharing: str = "app"
    links: tuple[str, ...] = ("list", "edit")
    author: str = "nobody"
    title: str = ""

    @property
    def href(self) -> str:
        """The path of the entry itself."""
        return f"{self.path}/{quote(self.name, safe='')}"


def access(entry: Entry) -> dict[str, Any]:
    """Who may do what with an entry."""
    return {
        "app": entry.app,
        "can_change_perms": True,
        "can_list": True,
        "can_share_app": True,
        "can_share_global": True,
        "can_share_user": True,
        "can_write": True,
        "modifiable": True,
        "owner": entry.owner,
        "perms": {"read": ["*"], "write": ["admin"]},
        "removable": "remove" in entry.links,
        "sharing": entry.sharing,
    }


ATTRIBUTES = {"optionalFields": [], "requiredFields": [], "wildcardFields": [".*"]}


def clean(text: str) -> str:
    """A text that XML can hold."""
    return FORBIDDEN.sub("\ufffd", text)


def text_of(value: Any) -> str:
    """A plain value as Splunk's XML writes it."""
    if isinstance(value, bool):
        return "1" if value else "0"
    return "" if value is None else clean(str(value))


def xml_value(value: Any) -> str:
    """A value, a list or a dictionary of Splunk's REST encoding."""
    if isinstance(value, dict):
        inner = "".join(
            f"<s:key name={quoteattr(clean(str(key)))}>{xml_value(one)}</s:key>"
            for key, one in value.items()
        )
        return f"<s:dict>{inner}</s:dict>"
    if isinstance(value, list | tuple):
        inner = "".join(f"<s:item>{xml_value(one)}</s:item>" for one in value)
        return f"<s:list>{inner}</s:list>"
    return escape(text_of(value))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def xml_entry(entry: Entry, namespaces: str = "") -> str:
    """An entry in XML; `namespaces` where it stands alone."""
    content = {"eai:acl": access(entry), **entry.content, "eai:attributes": ATTRIBUTES}
    href = entry.href
    links = "".join(
        f"<link href={quoteattr(_link(href, rel))} rel={quoteattr(rel)}/>"
        for rel in ("alternate", *entry.links)
    )
    return (
        f"<entry{' ' if namespaces else ''}{namespaces}>"
        f"<title>{escape(clean(entry.title or entry.name))}</title><id>{escape(href)}</id>"
        f"<updated>{_now()}</updated>{links}<author><name>{escape(entry.author)}</name></author>"
        f'<content type="text/xml">{xml_value(content)}</content></entry>'
    )


def _link(href: str, rel: str) -> str:
    return href if rel in ("alternate", "list", "edit", "remove") else f"{href}/{rel}"


def json_entry(entry: Entry) -> dict[str, Any]:
    """An entry for JSON."""
    href = entry.href
    return {
        "name": entry.title or entry.name,
        "id": href,
        "updated": _now(),
        "links": {rel: _link(href, rel) for rel in ("alternate", *entry.links)},
        "author": entry.author,
        "acl": access(entry),
        "content": {"eai:acl": None, **entry.content, "eai:attributes": ATTRIBUTES},
    }


@dataclass(slots=True)
class Page:
    """What of a list is shown: `count` entries from `offset`; 0 or less are all."""

    offset: int = 0
    count: int = DEFAULT_COUNT
    total: int = 0
    shown: list[Entry] = field(default_factory=list)


def page_of(request: Request, entries: Sequence[Entry], default: int = DEFAULT_COUNT) -> Page:
    """The entries that a request asks for: `search`, `sort_dir`, `offset` and `count`."""
    chosen = list(entries)
    for word in request.get("search").split():
        key, sign, value = word.partition("=")
        sought = (value if sign else word).strip("\"'*").lower()
        if sign and key == "name":
            chosen = [one for one in chosen if sought in one.name.lower()]
        elif sign:
            chosen = [one for one in chosen if sought in text_of(one.content.get(key)).lower()]
        elif sought:
            chosen = [one for one in chosen if sought in one.name.lower()]
    if request.get("sort_dir") == "desc":
        chosen.reverse()
    offset, count = max(0, request.number("offset", 0)), request.number("count", default)
    end = offset + count if count > 0 else len(chosen)
    return Page(offset, count, len(chosen), chosen[offset:end])


def feed(request: Request, title: str, path: str, page: Page, *, status: int = 200) -> Response:
    """A feed of a page of entries."""
    if request.mode == "json":
        said = {
            "links": {"create": f"{path}/_new"},
            "origin": path,
            "updated": _now(),
            "generator": {"build": BUILD, "version": VERSION},
            "entry": [json_entry(one) for one in page.shown],
            "paging": {"total": page.total, "perPage": page.count, "offset": page.offset},
            "messages": [],
        }
        return Response(json.dumps(said).encode(), status, JSON)
    text = (
        f"{HEAD}<feed {NAMESPACES}><title>{escape(clean(title))}</title><id>{escape(path)}</id>"
        f'<updated>{_now()}</updated><generator build="{BUILD}" version="{VERSION}"/>'
        "<author><name>Splunk</name></author>"
        f'<link href={quoteattr(path + "/_new")} rel="create"/>'
        f"<opensearch:totalResults>{page.total}</opensearch:totalResults>"
        f"<opensearch:itemsPerPage>{page.count}</opensearch:itemsPerPage>"
        f"<opensearch:startIndex>{page.offset}</opensearch:startIndex><s:messages/>"
        f"{''.join(xml_entry(one) for one in page.shown)}</feed>"
    )
    return Response(text.encode(), status)


def one_entry(request: Request, entry: Entry, *, status: int = 200) -> Response:
    """A feed of one entry."""
    title = entry.path.rsplit("/", 1)[-1]
    return feed(request, title, entry.path, Page(0, DEFAULT_COUNT, 1, [entry]), status=status)


def bare_entry(request: Request, entry: Entry) -> Response:
    """An entry that stands alone, as that of a job does in XML."""
    if request.mode == "json":
        return one_entry(request, entry)
    return Response((HEAD + xml_entry(entry, NAMESPACES)).encode())


def messages(request: Request | None, status: int, kind: str, *texts: str) -> Response:
    """Messages alone, as errors are told."""
    if request is not None and request.mode in ("json", "json_rows", "json_cols"):
        said = {"messages": [{"type": kind, "text": text} for text in texts]}
        return Response(json.dumps(said).encode(), status, JSON)
    inner = "".join(f'<msg type="{kind}">{escape(clean(text))}</msg>' for text in texts)
    text = f"{HEAD}<response><messages>{inner}</messages></response>"
    return Response(text.encode(), status)


def plain(request: Request, name: str, value: str, *, status: int = 200) -> Response:
    """A response of one named value: `sessionKey`, `sid`."""
    if request.mode == "json":
        return Response(json.dumps({name: value}).encode(), status, JSON)
    text = f"{HEAD}<response><{name}>{escape(clean(value))}</{name}></response>"
    return Response(text.encode(), status)
