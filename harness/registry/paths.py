"""Location paths, as `spath` takes them: names with periods between, positions in braces."""

from __future__ import annotations

import re

_STEP = r"[^.{}]+(?:\{(?:\d*|@[^{}]+)\})*"
_PATH = re.compile(rf"(?:\{{\d*\}})*(?:(?:(?<=\}})\.|^){_STEP})?(?:\.{_STEP})*")
PATH_EXAMPLES = "for example server.name, items{}.id, items{0}, book.title{@year}"


def is_path(text: str) -> bool:
    """Whether a text can be a location path."""
    return bool(text) and _PATH.fullmatch(text) is not None
