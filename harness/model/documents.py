"""YAML files as plain data that remembers where each value stands.

Safe by construction: the document is built from parser events, so no tag can make an object,
nesting is bounded before it can exhaust the stack, and what aliases unfold to is counted. Scalars
follow YAML 1.1 (https://yaml.org/type/) with two exceptions: dates and times stay text, as they
are written, and so do the keys of mappings.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError, Place, nearest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

MAX_NODES = 200_000
MAX_DEPTH = 100
_MAX_EXCERPT = 160
_TAG = "tag:yaml.org,2002:"
_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))


class MalformedYaml(HarnessError):
    """A YAML file that cannot be read: absent, not text, too large, or against the syntax."""


class UnknownKey(HarnessError):
    """A key that means nothing where it stands."""


@dataclass(slots=True)
class _Node:
    """A value with its position (from 0), its parts, and how many nodes it unfolds to."""

    line: int
    column: int
    data: Any
    size: int = 1
    written: str | None = None
    children: dict[str | int, _Node] = field(default_factory=dict)
    key_marks: dict[str | int, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Document:
    """A YAML document: `data` is plain (dict with text keys, list, text, number, bool, None)."""

    path: str
    data: Any
    _root: _Node = field(repr=False)
    _lines: tuple[str, ...] = field(repr=False)

    def place(self, *keys: str | int) -> Place:
        """Where the value at the key path stands; for an entry of a mapping, where its key does.

        A path that leads nowhere gives the place of its nearest ancestor that exists.
        """
        node = self._root
        line, column, width = node.line, node.column, 1
        for key in keys:
            child = node.children.get(key)
            if child is None:
                break
            line, column = node.key_marks.get(key, (child.line, child.column))
            width = len(key) if isinstance(key, str) else 1
            node = child
        return _place(self.path, self._lines, line, column, width)

    def written(self, *keys: str | int) -> str | None:
        """The scalar at the key path as its author wrote it: `0x3e7`, `1.10`, `12:30:00`."""
        node = self._root
        for key in keys:
            child = node.children.get(key)
            if child is None:
                return None
            node = child
        return node.written

    def reject_unknown(self, allowed: Collection[str], *keys: str | int) -> None:
        """Raise `UnknownKey` for the first key of the mapping at `keys` that is not `allowed`.

        Raises `MalformedYaml` where no mapping stands there.
        """
        value = self.data
        for key in keys:
            value = value[key]
        what = f"`{keys[-1]}`" if keys else "the document"
        if not isinstance(value, dict):
            raise MalformedYaml(f"{what} must be a mapping", place=self.place(*keys))
        for key in value:
            if key not in allowed:
                hints = nearest(key, allowed) or (f"known keys: {', '.join(sorted(allowed))}",)
                raise UnknownKey(f"unknown key `{key}`", place=self.place(*keys, key), hints=hints)


def read_document(path: Path, *, max_bytes: int = 5_000_000) -> Document:
    """Read the one YAML document in `path`.

    UTF-8, or UTF-16 with a byte order mark. Raises `MalformedYaml`, with line and column.
    """
    return read_text_document(_decode(_read_bytes(path, max_bytes), str(path)), str(path))


def read_text_document(text: str, path: Path | str) -> Document:
    """Read the one YAML document in `text`; `path` names it in errors."""
    import yaml  # noqa: PLC0415 - start-up is a feature: YAML loads when a file is read

    name = str(path)
    lines = tuple(text.splitlines())
    try:
        root = _Builder(name, lines, text).build()
    except yaml.reader.ReaderError as error:
        at = text.find(chr(error.character)) if isinstance(error.character, int) else -1
        before = text[: max(at, 0)]
        line, column = before.count("\n"), len(before) - (before.rfind("\n") + 1)
        raise MalformedYaml(
            f"a character that YAML does not allow: {error.reason}",
            place=Place(name, line + 1, column + 1),
            hints=("write it as an escape within double quotes",),
        ) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        context = f", {error.context}" if error.context else ""
        message = f"not YAML: {error.problem or 'syntax error'}{context}"
        tabs = mark is not None and "\t" in _indent(lines, mark.line, mark.column)
        if "nesting depth" in (error.problem or ""):  # the parser's own bound, since 6.0.4
            message = f"nested more than {MAX_DEPTH} deep"
        raise MalformedYaml(
            message,
            place=_place(name, lines, mark.line, mark.column) if mark else Place(name),
            hints=("YAML is indented by spaces: there is a tab",) if tabs else (),
        ) from error
    return Document(name, root.data, root, lines)


def _indent(lines: tuple[str, ...], line: int, column: int) -> str:
    """What stands before a column, and at it, where that is nothing but space."""
    before = lines[line][: column + 1] if line < len(lines) else ""
    return "" if before.strip() else before


def _place(path: str, lines: tuple[str, ...], line: int, column: int, width: int = 1) -> Place:
    excerpt = lines[line] if line < len(lines) else None
    if excerpt is not None:
        printable = (
            c if c.isprintable() or c == "\t" else "\N{REPLACEMENT CHARACTER}" for c in excerpt
        )
        excerpt = "".join(printable) if len(excerpt) <= _MAX_EXCERPT else None
    return Place(path, line + 1, column + 1, excerpt, width)


def _read_bytes(path: Path, max_bytes: int) -> bytes:
    place = Place(str(path))
    try:
        # Not opened before it is known to be a plain file: opening a pipe would wait for ever.
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise MalformedYaml("a folder, not a YAML file", place=place)
        if not stat.S_ISREG(mode):
            raise MalformedYaml("not a plain file", place=place)
        with path.open("rb") as file:
            content = file.read(max_bytes + 1)
    except FileNotFoundError as error:
        raise MalformedYaml("no such file", place=place, hints=_siblings(path)) from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise MalformedYaml(f"cannot be read: {reason}", place=place) from error
    except ValueError as error:
        raise MalformedYaml(f"not a path: {error}", place=place) from error
    if len(content) > max_bytes:
        raise MalformedYaml(
            f"larger than {max_bytes:,} bytes, which is more than any of our YAML needs",
            place=place,
        )
    return content


def _siblings(path: Path) -> tuple[str, ...]:
    try:
        return nearest(path.name, (entry.name for entry in path.parent.iterdir()))
    except (OSError, ValueError):
        return ()


def _decode(content: bytes, name: str) -> str:
    encoding = "utf-8"
    for bom, called in _BOMS:
        if content.startswith(bom):
            content, encoding = content[len(bom) :], called
            break
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        before = content[: error.start].decode(encoding, errors="replace")
        raise MalformedYaml(
            f"not {encoding.upper()} text: {error.reason}",
            place=Place(name, before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1),
            hints=("save the file as UTF-8",),
        ) from error


class _Builder:
    """Builds nodes from parser events, with a stack of its own instead of recursion."""

    def __init__(self, name: str, lines: tuple[str, ...], text: str) -> None:
        import yaml  # noqa: PLC0415 - as above

        self._yaml = yaml
        self._loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)
        self._name = name
        self._lines = lines
        self._anchors: dict[str, _Node | None] = {}
        self._nodes = 0

    def build(self) -> _Node:
        """The root node; an empty document is `None` at the first line."""
        try:
            return self._build()
        finally:
            self._loader.dispose()

    def _events(self) -> Iterator[Any]:
        while self._loader.check_event():
            yield self._loader.get_event()

    def _build(self) -> _Node:
        yaml = self._yaml
        root = _Node(0, 0, None)
        documents = 0
        stack: list[_Open] = []
        for event in self._events():
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise self._fault("a second document", event, "keep one document a file")
                continue
            if isinstance(event, yaml.CollectionStartEvent):
                if len(stack) >= MAX_DEPTH:
                    raise self._fault(f"nested more than {MAX_DEPTH} deep", event)
                stack.append(self._opened(event))
                continue
            if isinstance(event, yaml.CollectionEndEvent):
                node = self._closed(stack.pop())
            elif isinstance(event, yaml.ScalarEvent | yaml.AliasEvent):
                node = self._leaf(event, key_wanted=bool(stack) and stack[-1].wants_key)
            else:
                continue
            if stack:
                self._add(stack[-1], node, event)
            else:
                root = node
        return root

    def _closed(self, done: _Open) -> _Node:
        if done.anchor is not None:
            self._anchors[done.anchor] = done.node
        return done.node

    def _opened(self, event: Any) -> _Open:
        is_mapping = isinstance(event, self._yaml.MappingStartEvent)
        kind = "map" if is_mapping else "seq"
        if event.tag not in (None, "!", _TAG + kind):
            raise self._fault(f"the tag `{event.tag}` is not accepted", event)
        if event.anchor:
            self._anchors[event.anchor] = None
        mark = event.start_mark
        node = _Node(mark.line, mark.column, {} if is_mapping else [])
        self._count(1, event)
        return _Open(node, is_mapping, event.anchor)

    def _leaf(self, event: Any, *, key_wanted: bool) -> _Node:
        mark = event.start_mark
        if isinstance(event, self._yaml.AliasEvent):
            target = self._anchors.get(event.anchor or "")
            if target is None:
                what = "holds itself" if event.anchor in self._anchors else "is not defined above"
                raise self._fault(f"the alias `*{event.anchor}` {what}", event)
            self._count(target.size, event)
            return target
        data = event.value if key_wanted else self._scalar(event)
        node = _Node(mark.line, mark.column, data, written=event.value)
        if event.anchor:
            self._anchors[event.anchor] = node
        self._count(1, event)
        return node

    def _scalar(self, event: Any) -> Any:
        yaml = self._yaml
        tag = event.tag
        if tag in (None, "!"):
            if not event.implicit[0]:
                return event.value
            tag = self._loader.resolve(yaml.ScalarNode, event.value, event.implicit)
        node = yaml.ScalarNode(tag, event.value)
        try:
            match tag.removeprefix(_TAG):
                case "str" | "timestamp" | "value" | "merge":
                    return event.value
                case "null":
                    return None
                case "bool":
                    return self._loader.construct_yaml_bool(node)
                case "int":
                    return self._loader.construct_yaml_int(node)
                case "float":
                    return self._loader.construct_yaml_float(node)
        except (ValueError, KeyError, IndexError, OverflowError) as error:
            raise self._fault(f"not a value of its type: {error}", event) from error
        raise self._fault(f"the tag `{tag}` is not accepted", event, "write plain values")

    def _add(self, into: _Open, node: _Node, event: Any) -> None:
        into.node.size += node.size
        if not into.is_mapping:
            into.node.children[len(into.node.data)] = node
            into.node.data.append(node.data)
            return
        if into.wants_key:
            if not isinstance(node.data, str):
                raise self._fault("a key must be one plain word or text", event)
            if node.data == "<<":
                raise self._fault("merge keys (`<<`) are not accepted", event, "repeat the entries")
            if node.data in into.node.data:
                first = into.node.key_marks[node.data][0] + 1
                raise self._fault(
                    f"duplicate key `{node.data}`: it stands on line {first} too", event
                )
            mark = event.start_mark
            into.node.key_marks[node.data] = (mark.line, mark.column)
            into.node.data[node.data] = None
            into.key = node.data
            return
        key = into.key or ""
        into.node.children[key] = node
        into.node.data[key] = node.data
        into.key = None

    def _count(self, nodes: int, event: Any) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            raise self._fault(f"unfolds to more than {MAX_NODES:,} values", event)

    def _fault(self, message: str, event: Any, *hints: str) -> MalformedYaml:
        mark = event.start_mark
        place = _place(self._name, self._lines, mark.line, mark.column)
        return MalformedYaml(message, place=place, hints=hints)


@dataclass(slots=True)
class _Open:
    """A mapping or list whose end is still to come; `key` is the entry that waits for a value."""

    node: _Node
    is_mapping: bool
    anchor: str | None
    key: str | None = None

    @property
    def wants_key(self) -> bool:
        return self.is_mapping and self.key is None
