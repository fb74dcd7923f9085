"""A content folder in the layout of github.com/splunk/security_content.

    detections/**/<detection>.yml      <detection>.expected.yaml beside it (ours)
    macros/<macro>.yml                 lookups/<lookup>.yml, lookups/<lookup>.csv
    tests/**/<detection>.test.yml      (the oldest generation)

Nothing is read until it is asked for: one detection of a thousand costs one file by its path,
and a look at the files' text by its name or id.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from harness.content.detection import Detection, DetectionTest, read_detection, read_tests
from harness.content.entries import Entry
from harness.content.errors import (
    AmbiguousDetection,
    MalformedDetection,
    MalformedKnowledge,
    MissingFolder,
    UnknownDetection,
)
from harness.content.expectations import (
    SUFFIX,
    Expectations,
    aliases,
    read_expectations,
    sidecar_of,
)
from harness.content.knowledge import Lookups, Macros
from harness.errors import HarnessError, Place, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_MAX_FILES = 20_000
_MAX_FILE_BYTES = 5_000_000


def load_content(root: Path) -> ContentFolder:
    """The content folder at `root`; raises `MissingFolder` where there is none."""
    if not root.is_dir():
        what = "is not a folder" if root.exists() else "there is no such folder"
        hints = ("name a folder that holds `detections/`, `macros/`, `lookups/`",)
        raise MissingFolder(what, place=Place(str(root)), hints=hints)
    return ContentFolder(root)


@dataclass(frozen=True, slots=True)
class DataSource:
    """A kind of events: the source and source type that they come under."""

    name: str
    source: str | None
    sourcetype: str | None


@dataclass(frozen=True)
class ContentFolder:
    """A folder of detections, macros and lookups; everything is read lazily."""

    root: Path

    @cached_property
    def macros(self) -> Macros:
        """The macros by (name, number of arguments)."""
        return Macros(self.root / "macros")

    @cached_property
    def lookups(self) -> Lookups:
        """The lookups by name."""
        return Lookups(self.root / "lookups")

    @cached_property
    def detection_paths(self) -> tuple[Path, ...]:
        """The detection files, in the order of their paths."""
        return self._files("*.yml")

    @cached_property
    def sidecar_paths(self) -> tuple[Path, ...]:
        """The sidecars, in the order of their paths."""
        return self._files(f"*{SUFFIX}")

    def _files(self, pattern: str) -> tuple[Path, ...]:
        folder = self.root / "detections"
        found: list[Path] = []
        for path in folder.rglob(pattern):
            if len(found) >= _MAX_FILES:
                raise MissingFolder(f"more than {_MAX_FILES:,} files", place=Place(str(folder)))
            found.append(path)
        return tuple(sorted(found))

    @cached_property
    def data_sources(self) -> Mapping[str, DataSource]:
        """The kinds of events that detections name under `data_source`, by name."""
        found = {}
        for entry in self._entries("data_sources"):
            name = entry.needed_text("name")
            found[name] = DataSource(name, entry.text("source"), entry.text("sourcetype"))
        return found

    @cached_property
    def stories(self) -> frozenset[str]:
        """The names of the stories that detections may belong to."""
        return frozenset(entry.needed_text("name") for entry in self._entries("stories"))

    def _entries(self, folder: str) -> Iterator[Entry]:
        """The mappings in the YAML files of a folder; what cannot be read is left out."""
        for path in sorted((self.root / folder).rglob("*.yml")):
            entry = _named_entry(path)
            if isinstance(entry, Entry):
                yield entry

    def faults(self) -> Iterator[HarnessError]:
        """What cannot be read of the macros, lookups, data sources and stories."""
        yield from self.macros.faults()
        yield from self.lookups.faults()
        for folder in ("data_sources", "stories"):
            for path in sorted((self.root / folder).rglob("*.yml")):
                entry = _named_entry(path)
                if isinstance(entry, HarnessError):
                    yield entry

    def detections(self) -> Iterator[Detection]:
        """Every detection, read one after another."""
        for path in self.detection_paths:
            yield read_detection(path)

    def expectations(self, detection: Path) -> Expectations | None:
        """The sidecar of the detection at this path, `None` where it has none."""
        path = sidecar_of(detection)
        return read_expectations(path) if path.exists() else None

    def separate_tests(self, detection: Path) -> tuple[DetectionTest, ...]:
        """The tests that the oldest generation keeps in `tests/`, for the detection here."""
        from harness.model.documents import read_document  # noqa: PLC0415 - YAML loads when read

        folder = self.root / "tests"
        paths = sorted(folder.rglob(f"{detection.stem}.test.yml")) if folder.is_dir() else []
        tests: list[DetectionTest] = []
        for path in paths:
            tests += read_tests(Entry(read_document(path), MalformedDetection), _ignore)
        return tuple(tests)

    def find(self, query: str) -> Path:
        """The detection meant by a path, an alias, a file name, an id, or a name.

        Raises `UnknownDetection` with the nearest names, and `AmbiguousDetection`.
        """
        path = self._by_path(query)
        if path is not None:
            return path
        steps = (self._by_alias, self._by_stem, self._by_name_or_id, self._by_spaced_stem)
        for found in (step(query) for step in steps):
            if len(found) > 1:
                listed = ", ".join(str(self._shown(path)) for path in found[:5])
                raise AmbiguousDetection(
                    f"`{query}` is {len(found)} detections: {listed}", hints=("name one by path",)
                )
            if found:
                return found[0]
        is_file = query.endswith((".yml", ".yaml"))
        raise UnknownDetection(
            f"there is no file `{query}`" if is_file else f"unknown detection `{query}`",
            hints=nearest(query, self._names(query)) or (self._read_from(),),
        )

    def _read_from(self) -> str:
        folder = self.root / "detections"
        if folder.is_dir():
            return f"detections are read from {folder}"
        return f"there is no folder {folder}: --content names the folder that holds `detections/`"

    def _by_path(self, query: str) -> Path | None:
        """A path that exists, as it stands or below the root; a sidecar means its detection."""
        if not query or "\0" in query:
            return None
        for base in (Path(), self.root):
            path = base / query
            try:
                if not path.is_file():
                    continue
            except OSError:
                continue
            if not path.name.endswith(SUFFIX):
                return path
            detection = path.with_name(path.name.removesuffix(SUFFIX) + ".yml")
            if not detection.is_file():
                raise UnknownDetection(
                    f"there is no `{detection.name}` beside the sidecar", place=Place(str(path))
                )
            return detection
        if query.endswith((".yml", ".yaml")) and "/" in query:
            parent = (Path(query).parent, self.root / Path(query).parent)
            names = [
                entry.name for folder in parent if folder.is_dir() for entry in folder.iterdir()
            ]
            hints = nearest(Path(query).name, names)
            raise UnknownDetection(f"there is no file `{query}`", hints=hints)
        return None

    def _by_alias(self, query: str) -> list[Path]:
        if not query:
            return []
        wanted = query.encode(errors="replace")
        mentioning = [path for path in self.sidecar_paths if wanted in _bytes_of(path)]
        stems = aliases(mentioning).get(query, [])
        return [path.with_name(path.name.removesuffix(SUFFIX) + ".yml") for path in stems]

    def _by_stem(self, query: str) -> list[Path]:
        wanted = query.removesuffix(".yml").casefold()
        return [path for path in self.detection_paths if path.stem.casefold() == wanted]

    def _by_spaced_stem(self, query: str) -> list[Path]:
        """A file's name with spaces for its underscores, as `_names` offers it."""
        return self._by_stem(query.strip().replace(" ", "_"))

    def _by_name_or_id(self, query: str) -> list[Path]:
        wanted = query.strip().casefold()
        words = [word.encode(errors="replace") for word in wanted.split()]
        found: list[Path] = []
        fault: HarnessError | None = None
        for path in self.detection_paths:
            # A long name may be folded over two lines of YAML, so its words are looked for.
            text = _bytes_of(path).lower()
            if words and all(word in text for word in words):
                try:
                    detection = read_detection(path)
                except HarnessError as error:
                    fault = error
                    continue
                names = (detection.name.casefold(), (detection.id or "").casefold())
                if wanted in names:
                    found.append(path)
        if fault is not None and not found:
            raise fault
        return found

    def _names(self, query: str) -> set[str]:
        """The names to offer: aliases and file names, and those of the detections' own kind."""
        names = set(aliases(self.sidecar_paths)) | {path.stem for path in self.detection_paths}
        if " " in query:
            names = {name.replace("_", " ") for name in names}
        return names

    def _shown(self, path: Path) -> Path:
        return path.relative_to(self.root) if path.is_relative_to(self.root) else path


def _bytes_of(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_MAX_FILE_BYTES)
    except OSError:
        return b""


def _named_entry(path: Path) -> Entry | HarnessError:
    """A file's mapping, which has a name, or why it cannot be read."""
    from harness.model.documents import read_document  # noqa: PLC0415 - YAML loads when read

    try:
        entry = Entry(read_document(path), MalformedKnowledge)
        entry.needed_text("name")
        entry.text("source")
        entry.text("sourcetype")
    except HarnessError as error:
        return error
    return entry


def _ignore(message: str, place: Place, hints: tuple[str, ...]) -> None:
    """Test files of the oldest generation are read for their data alone."""
