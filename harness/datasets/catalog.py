"""All manifests of some folders, by name."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from harness.datasets.errors import AmbiguousDataset, MissingFile, UnknownDataset
from harness.datasets.manifest import read_manifest
from harness.errors import Place, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from harness.datasets.manifest import Manifest

_ENDINGS = frozenset({".yml", ".yaml"})
_MOST_LISTED = 5


class Catalog:
    """Manifests by name.

    Where several share a name (attack_data has many an `atomic_red_team`), each is known by
    its path below its folder instead, and asking for the shared name lists them.
    """

    def __init__(
        self, manifests: Mapping[str, Manifest], shared: Mapping[str, Sequence[str]]
    ) -> None:
        self._manifests = dict(sorted(manifests.items()))
        self._shared = shared

    def get(self, name: str) -> Manifest:
        """The manifest called `name`; raises `UnknownDataset` or `AmbiguousDataset`."""
        if (manifest := self._manifests.get(name)) is not None:
            return manifest
        if name in self._shared:
            others = self._shared[name]
            listed = ", ".join(f"`{other}`" for other in others[:_MOST_LISTED])
            more = len(others) - _MOST_LISTED
            raise AmbiguousDataset(
                f"{len(others)} datasets are called `{name}`",
                hints=(f"name one of {listed}" + (f" and {more} more" if more > 0 else ""),),
            )
        raise UnknownDataset(
            f"unknown dataset `{name}`",
            hints=nearest(name, self._manifests) or ("`harness datasets list` lists them",),
        )

    def names(self) -> tuple[str, ...]:
        """Every name that `get` takes, sorted."""
        return tuple(self._manifests)

    def __iter__(self) -> Iterator[Manifest]:
        return iter(self._manifests.values())

    def __len__(self) -> int:
        return len(self._manifests)


def load_catalog(folders: Sequence[Path]) -> Catalog:
    """Read every manifest (`.yml`, `.yaml`) below `folders`; a manifest itself counts as well.

    Raises what `read_manifest` raises, and `MissingFile` for a folder that is not there.
    """
    found: defaultdict[str, dict[Path, tuple[str, Manifest]]] = defaultdict(dict)
    for folder in folders:
        for path in _manifest_paths(folder):
            manifest = read_manifest(path)
            below = path.relative_to(folder) if path != folder else path
            found[manifest.name][path.resolve()] = (below.with_suffix("").as_posix(), manifest)
    single: dict[str, Manifest] = {}
    shared: dict[str, tuple[str, ...]] = {}
    for name, entries in found.items():
        if len(entries) == 1:
            ((_, manifest),) = entries.values()
            single[name] = manifest
            continue
        by_path = _told_apart(entries)
        single |= by_path
        shared[name] = tuple(by_path)
    return Catalog(single, shared)


def _told_apart(entries: Mapping[Path, tuple[str, Manifest]]) -> dict[str, Manifest]:
    """Manifests of one name by their path below their folder, or, if that is shared too, whole."""
    paths = [below for below, _ in entries.values()]
    return {
        below if paths.count(below) == 1 else str(path): manifest
        for path, (below, manifest) in entries.items()
    }


def _manifest_paths(folder: Path) -> list[Path]:
    if folder.is_file():
        return [folder]
    if not folder.is_dir():
        raise MissingFile(
            "there is no such folder of dataset manifests",
            place=Place(path=str(folder)),
            hints=("check the path",),
        )
    return sorted(path for path in folder.rglob("*") if path.suffix in _ENDINGS and path.is_file())
