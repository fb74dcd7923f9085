"""Writes small apps for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

EXPORT_ALL = "[]\nexport = system\n"


def write_app(
    parent: Path, name: str, files: Mapping[str, str], *, meta: str | None = EXPORT_ALL
) -> Path:
    """One app below `parent`, its files given by their paths inside it."""
    root = parent / name
    (root / "default").mkdir(parents=True)
    if meta is not None:
        files = {"metadata/default.meta": meta, **files}
    for relative, text in files.items():
        path = root / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root
