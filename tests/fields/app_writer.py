"""The writer of small apps, which lies with the tests of apps, for the tests of fields."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

WriteApp = Callable[[Path, str, dict[str, str]], Path]
WRITING = Path(__file__).resolve().parents[1] / "apps" / "app_writing.py"


def app_writer() -> WriteApp:
    """`write_app` of the tests of apps, which lies in a folder that is not on the path here."""
    spec = importlib.util.spec_from_file_location("app_writing", WRITING)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: WriteApp = module.write_app
    return found
