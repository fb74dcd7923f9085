"""Dataset manifests: attack_data's own YAML, in both of its generations, plus promises.

The older generation names addresses (`dataset: [https://…]`, `sourcetypes`, `technique`), the
newer one files (`datasets: [{name, path, source, sourcetype}]`, `mitre_technique`,
`directory`); see README.md and bin/dataset_schema.json in github.com/splunk/attack_data. To
both this project adds, for each file, `sha256`, `size`, `custom_index` and `host`: in the
newer generation beside `path`, in the older one under `files`, by address, where `source` and
`sourcetype` may stand as well:

    dataset:
    - https://…/windows-xml.log
    files:
      https://…/windows-xml.log:
        sha256: 3443…
        size: 191553
        source: XmlWinEventLog:Security
        sourcetype: XmlWinEventLog

`name` (else the file's own name) and `synthetic` (a recipe, left to its own reader) are ours too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from harness.datasets.address import attack_data_address, attack_data_path, is_address
from harness.datasets.errors import BadManifest
from harness.errors import Place
from harness.model import Origin

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from harness.model.documents import Document

_KEYS = (
    "author", "dataset", "datasets", "date", "description", "directory", "environment", "files",
    "id", "mitre_technique", "name", "references", "sourcetypes", "synthetic", "technique",
)  # fmt: skip
_PROMISE_KEYS = ("custom_index", "host", "sha256", "size", "source", "sourcetype")
_NEWER_FILE_KEYS = ("name", "path", *_PROMISE_KEYS)
_GENERIC_NAMES = frozenset({"data", "dataset"})
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
_TECHNIQUE = re.compile(r"T\d{4}(\.\d{3})?")
_WINDOWS_CHANNEL = re.compile(r"((?:Xml)?WinEventLog):.+")
_DEFAULT_INDEX = "main"


@dataclass(frozen=True, slots=True)
class DatasetFile:
    """One file of a dataset: where it is, what is promised of it, and its metadata fields.

    `url` is an https address, or a path that is read from `base` (the manifest's folder) or
    from one of the store's roots. `sha256` is lower-case hex, `size` is in bytes.
    `custom_index` is the manifest's own index, `None` where `origin.index` is the default.
    """

    url: str
    sha256: str | None = None
    size: int | None = None
    origin: Origin = field(default_factory=Origin)
    custom_index: str | None = None
    base: Path | None = None
    place: Place = field(default_factory=Place)


@dataclass(frozen=True, slots=True)
class Manifest:
    """A dataset: its files, or the recipe that makes them, and what is known about it.

    `official` tells that every file is one of attack_data's. `synthetic` is the plain data
    under that key, and `synthetic_place` is where it stands.
    """

    name: str
    path: Path
    description: str
    files: tuple[DatasetFile, ...] = ()
    author: str | None = None
    date: str | None = None
    environment: str | None = None
    techniques: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    id: str | None = None
    directory: str | None = None
    synthetic: Mapping[str, Any] | None = None
    synthetic_place: Place | None = None

    @property
    def official(self) -> bool:
        """Whether every file is one of attack_data's, and none is made by a recipe."""
        known = [attack_data_path(file.url) is not None for file in self.files]
        return self.synthetic is None and bool(known) and all(known)


def read_manifest(path: Path) -> Manifest:
    """Read the manifest at `path`.

    Raises `MalformedYaml` and `UnknownKey` (of `harness.model.documents`) and `BadManifest`,
    each with line and column.
    """
    from harness.model.documents import read_document  # noqa: PLC0415 - YAML loads when read

    document = read_document(path)
    top = _Entry(document)
    top.only(_KEYS)
    files = _older_files(top, path) if "dataset" in top.data else _newer_files(top, path)
    synthetic = top.data.get("synthetic")
    if synthetic is not None and not isinstance(synthetic, dict):
        raise top.fault("`synthetic` must be a mapping", "synthetic")
    if not files and synthetic is None:
        raise top.fault("the manifest names no file and no recipe", hint="add `datasets:`")
    return Manifest(
        name=top.text("name") or _own_name(path),
        path=path,
        description=top.needed_text("description"),
        files=files,
        author=top.text("author"),
        date=top.text("date"),
        environment=top.text("environment"),
        techniques=_techniques(top),
        references=top.texts("references"),
        id=top.text("id"),
        directory=top.text("directory"),
        synthetic=synthetic,
        synthetic_place=document.place("synthetic") if synthetic is not None else None,
    )


def _own_name(path: Path) -> str:
    """The file's name, or its folder's where the file is called `data`, as many are."""
    return path.parent.name if path.stem in _GENERIC_NAMES and path.parent.name else path.stem


def _techniques(top: _Entry) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for key in ("technique", "mitre_technique"):
        for technique in top.texts(key):
            if not _TECHNIQUE.fullmatch(technique):
                raise top.fault(
                    f"`{technique}` is no ATT&CK technique", key, hint="write T1059 or T1059.001"
                )
            found[technique] = None
    return tuple(found)


def _older_files(top: _Entry, path: Path) -> tuple[DatasetFile, ...]:
    if "datasets" in top.data:
        raise top.fault("`dataset` and `datasets` exclude each other", "datasets", hint="keep one")
    addresses = dict.fromkeys(top.texts("dataset"))
    promises = _Entry(top.document, "files") if "files" in top.data else None
    if promises is not None:
        promises.only(tuple(addresses))
    told = _told_by_sourcetypes(top.texts("sourcetypes"))
    files = []
    for address in addresses:
        entry = None
        if promises is not None and address in promises.data:
            entry = _Entry(top.document, "files", address)
            entry.only(_PROMISE_KEYS)
        place = top.document.place("dataset")
        files.append(_file(address, entry, told, path, place))
    return tuple(files)


def _newer_files(top: _Entry, path: Path) -> tuple[DatasetFile, ...]:
    if "files" in top.data:
        raise top.fault("`files` goes with `dataset`", "files", hint="put it into `datasets`")
    listed = top.data.get("datasets", [])
    if not isinstance(listed, list):
        raise top.fault("`datasets` must be a list", "datasets")
    files = []
    for position in range(len(listed)):
        entry = _Entry(top.document, "datasets", position)
        entry.only(_NEWER_FILE_KEYS)
        address = _address(entry.needed_text("path"))
        files.append(_file(address, entry, Origin(), path, entry.place("path")))
    return tuple(files)


def _address(path: str) -> str:
    """An address stays; `datasets/…` is attack_data's; any other path is of the project."""
    if not is_address(path) and path.lstrip("/").startswith("datasets/"):
        return attack_data_address(quote(path))
    return path


def _file(
    url: str, entry: _Entry | None, told: Origin, manifest: Path, place: Place
) -> DatasetFile:
    base = manifest.parent
    if entry is None:
        return DatasetFile(url=url, origin=told, base=base, place=place)
    index = entry.text("custom_index")
    origin = Origin(
        index=index or _DEFAULT_INDEX,
        source=entry.text("source") or told.source,
        sourcetype=entry.text("sourcetype") or told.sourcetype,
        host=entry.text("host"),
    )
    return DatasetFile(
        url=url,
        sha256=_sha256(entry),
        size=_size(entry),
        origin=origin,
        custom_index=index,
        base=base,
        place=place,
    )


def _told_by_sourcetypes(sourcetypes: tuple[str, ...]) -> Origin:
    """What the older `sourcetypes` tells: something, if it names one for all files.

    It often holds a Windows source (`XmlWinEventLog:Security`), whose source type is the part
    before the colon (Splunk Add-on for Microsoft Windows, source types since 5.0).
    """
    if len(sourcetypes) != 1:
        return Origin()
    channel = _WINDOWS_CHANNEL.fullmatch(sourcetypes[0])
    if channel is None:
        return Origin(sourcetype=sourcetypes[0])
    return Origin(source=sourcetypes[0], sourcetype=channel[1])


def _sha256(entry: _Entry) -> str | None:
    value = entry.text("sha256")
    if value is not None and not _SHA256.fullmatch(value):
        raise entry.fault("`sha256` must be 64 hexadecimal digits", "sha256")
    return value.lower() if value is not None else None


def _size(entry: _Entry) -> int | None:
    value = entry.data.get("size")
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
        raise entry.fault("`size` must be a number of bytes, at least 1", "size")
    return value


class _Entry:
    """A mapping in a document, read key by key, whose faults know their line and column."""

    def __init__(self, document: Document, *keys: str | int) -> None:
        self.document = document
        self._keys = keys
        value: Any = document.data
        for key in keys:
            value = value[key]
        if not isinstance(value, dict):
            what = f"`{keys[-1]}`" if keys and isinstance(keys[-1], str) else "this"
            raise BadManifest(f"{what} must be a mapping", place=document.place(*keys))
        self.data: dict[str, Any] = value

    def only(self, allowed: tuple[str, ...]) -> None:
        """Raise `UnknownKey` for a key that is none of `allowed`."""
        self.document.reject_unknown(allowed, *self._keys)

    def place(self, key: str) -> Place:
        return self.document.place(*self._keys, key)

    def text(self, key: str) -> str | None:
        """The text under `key`, without surrounding space, or `None` where there is none."""
        value = self.data.get(key)
        if value is not None and not isinstance(value, str):
            raise self.fault(f"`{key}` must be text", key, hint="put it in quotes")
        return (value.strip() or None) if value is not None else None

    def needed_text(self, key: str) -> str:
        value = self.text(key)
        if value is None:
            raise self.fault(f"`{key}` is missing", hint=f"add `{key}:`")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """The texts under `key`: a list, or one text alone, as older manifests have it."""
        value = self.data.get(key)
        if value is None:
            return ()
        listed = value if isinstance(value, list) else [value]
        for item in listed:
            if not isinstance(item, str) or not item.strip():
                raise self.fault(f"`{key}` must be a list of texts", key)
        return tuple(item.strip() for item in listed)

    def fault(self, message: str, key: str | None = None, *, hint: str = "") -> BadManifest:
        """An error at `key`, or at this mapping where the key is not there."""
        keys = self._keys if key is None or key not in self.data else (*self._keys, key)
        hints = (hint,) if hint else ()
        return BadManifest(message, place=self.document.place(*keys), hints=hints)
