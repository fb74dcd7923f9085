"""Macros and lookups of a content folder, read when they are asked for.

A file is named after what it defines as a rule, so that one is tried first; else only the files
that hold the name's text are parsed. The shapes: `macro.py` and `lookup.py` of
github.com/splunk/contentctl; what the settings mean: macros.conf.spec and transforms.conf.spec.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, cast

from harness.content.entries import Entry
from harness.content.errors import MalformedKnowledge
from harness.errors import HarnessError, Place
from harness.model import MOST_MATCHES, LookupDefinition, Macro

if TYPE_CHECKING:
    from pathlib import Path

    from harness.model import MatchKind

MacroKey = tuple[str, int]

_FILTER_SUFFIX = "_filter"
_MATCH_TYPE = re.compile(r"(WILDCARD|CIDR|EXACT)\(\s*([^()]+?)\s*\)", re.IGNORECASE)
_MAX_FILE_BYTES = 5_000_000


def filter_macro_default(name: str) -> Macro | None:
    """What `<detection>_filter` is where nobody defined it: `search *`, which keeps all rows.

    `None` for any other name. Splunk's content is built so: each detection ends in a macro of
    this name, for its users to fill.
    """
    if not name.endswith(_FILTER_SUFFIX) or name == _FILTER_SUFFIX:
        return None
    return Macro(name=name, definition="search *")


class Macros(Mapping[MacroKey, Macro]):
    """The macros of the folder `macros`, by (name, number of arguments)."""

    def __init__(self, folder: Path) -> None:
        self._files = _NamedFiles(folder)
        self._all: dict[MacroKey, Macro] | None = None
        self._found: dict[MacroKey, Macro | None] = {}

    def __getitem__(self, key: MacroKey) -> Macro:
        if key not in self._found:
            candidates = self._files.mentioning(key[0])
            macros = (macro for path in candidates for macro in _macro(path))
            self._found[key] = next((macro for macro in macros if _key(macro) == key), None)
        found = self._found[key]
        if found is None:
            raise KeyError(key)
        return found

    def __iter__(self) -> Iterator[MacroKey]:
        return iter(self._load())

    def __len__(self) -> int:
        return len(self._load())

    def _load(self) -> dict[MacroKey, Macro]:
        if self._all is None:
            macros = (macro for path in self._files.paths() for macro in _macro(path))
            self._all = {_key(macro): macro for macro in macros}
        return self._all

    def faults(self) -> Iterator[HarnessError]:
        """Why files cannot be read, for each that cannot."""
        for path in self._files.paths():
            yield from _faults(lambda one: list(_macro(one)), path)


class Lookups(Mapping[str, LookupDefinition]):
    """The lookups of the folder `lookups`, by name; a CSV file there also by its file name."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files = _NamedFiles(folder)
        self._all: dict[str, LookupDefinition] | None = None
        self._found: dict[str, LookupDefinition | None] = {}

    def __getitem__(self, key: str) -> LookupDefinition:
        if key not in self._found:
            self._found[key] = self._find(key)
        found = self._found[key]
        if found is None:
            raise KeyError(key)
        return found

    def _find(self, name: str) -> LookupDefinition | None:
        for path in self._files.mentioning(name):
            lookup = _lookup(path, self._folder)
            if lookup is not None and lookup.name == name:
                return lookup
        if name.casefold().endswith(".csv"):
            table = _confined(self._folder, name)
            if table is not None and table.is_file():
                return LookupDefinition(name=name, table=table, place=Place(str(table)))
        return None

    def __iter__(self) -> Iterator[str]:
        return iter(self._load())

    def __len__(self) -> int:
        return len(self._load())

    def _load(self) -> dict[str, LookupDefinition]:
        if self._all is None:
            lookups = (_lookup(path, self._folder) for path in self._files.paths())
            self._all = {lookup.name: lookup for lookup in lookups if lookup is not None}
        return self._all

    def faults(self) -> Iterator[HarnessError]:
        """Why files cannot be read, for each that cannot."""
        for path in self._files.paths():
            yield from _faults(lambda one: _lookup(one, self._folder), path)


def _faults(read: Callable[[Path], object], path: Path) -> Iterator[HarnessError]:
    try:
        read(path)
    except HarnessError as error:
        yield error


class _NamedFiles:
    """The YAML files of a folder, listed and read once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._paths: list[Path] | None = None
        self._texts: dict[Path, bytes] = {}

    def paths(self) -> list[Path]:
        if self._paths is None:
            self._paths = sorted(self._folder.glob("*.yml")) if self._folder.is_dir() else []
        return self._paths

    def mentioning(self, name: str) -> Iterator[Path]:
        """The files that can define `name`: the one named so first."""
        paths = self.paths()
        own = [path for path in paths if path.stem == name]
        yield from own
        wanted = name.encode(errors="replace")
        for path in paths:
            if path in own:
                continue
            if path not in self._texts:
                with path.open("rb") as file:
                    self._texts[path] = file.read(_MAX_FILE_BYTES)
            if wanted in self._texts[path]:
                yield path


def _key(macro: Macro) -> MacroKey:
    return macro.name, len(macro.arguments)


def _macro(path: Path) -> Iterator[Macro]:
    top = _entry(path)
    if top is None:
        return
    definition = top.text("definition")
    if definition is None:
        raise top.fault("a macro needs `definition`", hints=("add `definition:`",))
    yield Macro(
        name=top.needed_text("name"),
        definition=definition,
        arguments=top.texts("arguments"),
        is_eval=top.flag("iseval") or False,
        place=top.place("definition"),
    )


def _lookup(path: Path, folder: Path) -> LookupDefinition | None:
    top = _entry(path)
    if top is None:
        return None
    table, unsupported = _table(top, path, folder)
    least, most = top.count("min_matches"), top.count("max_matches")
    case_sensitive = top.flag("case_sensitive_match")
    return LookupDefinition(
        name=top.needed_text("name"),
        table=table,
        match_types=_match_types(top),
        case_sensitive=True if case_sensitive is None else case_sensitive,
        min_matches=least or 0,
        max_matches=MOST_MATCHES if most is None else most,
        default_match=_default_match(top),
        fields=_fields(top),
        unsupported=unsupported,
        place=top.place("name"),
    )


def _table(top: Entry, path: Path, folder: Path) -> tuple[Path | None, str | None]:
    """The CSV file of a lookup, or why there is none that can be read."""
    filename = top.text("filename")
    kind = (top.text("lookup_type") or "").casefold()
    if kind == "mlmodel" or (filename or "").casefold().endswith(".mlmodel"):
        return None, "it is a machine-learning model, which only Splunk's toolkit can apply"
    if kind == "kvstore" or (not kind and top.has("collection")):
        return None, None
    # Since 2024 a lookup's file is the one of its own name, and `filename` is gone.
    table = _confined(folder, filename or f"{path.stem}.csv")
    if table is None:
        raise top.fault(
            f"the lookup's file `{filename}` lies outside its folder",
            "filename",
            hints=(f"put it into {folder.name}/ and name it alone",),
        )
    if not table.is_file():
        return None, f"its file `{table.name}` is not in `{folder.name}/`"
    return table, None


def _confined(folder: Path, name: str) -> Path | None:
    """The file `name` in the folder, or `None` where the name or a link leads out of it."""
    try:
        inside = folder.resolve()
        path = (folder / name).resolve()
    except (OSError, ValueError):
        return None
    return path if path.is_relative_to(inside) and path != inside else None


def _match_types(top: Entry) -> tuple[tuple[MatchKind, str], ...]:
    texts = top.texts("match_type")
    found: list[tuple[MatchKind, str]] = []
    for text in texts:
        rest = _MATCH_TYPE.sub("", text).replace(",", "").strip()
        if rest:
            hints = ("write WILDCARD(field), CIDR(field) or EXACT(field)",)
            raise top.fault(f"`{rest}` is no match type", "match_type", hints=hints)
        for kind, fields in _MATCH_TYPE.findall(text):
            found += [
                (cast("MatchKind", kind.casefold()), field.strip()) for field in fields.split(",")
            ]
    return tuple(found)


def _default_match(top: Entry) -> str | None:
    value = top.data.get("default_match")
    if isinstance(value, bool):
        return str(value).lower()
    return top.text("default_match")


def _fields(top: Entry) -> tuple[str, ...]:
    texts = top.texts("fields_list") or top.texts("fields")
    return tuple(name.strip() for text in texts for name in text.split(",") if name.strip())


def _entry(path: Path) -> Entry | None:
    """The file's mapping, `None` for a file that holds nothing."""
    from harness.model.documents import read_document  # noqa: PLC0415 - YAML loads when read

    document = read_document(path)
    if document.data is None:
        return None
    top = Entry(document, MalformedKnowledge)
    _ = top.data
    return top
