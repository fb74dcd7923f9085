"""Options, and which files hold trials."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest

SIDECAR = ".expected.yaml"
DETECTION = (".yml", ".yaml")
OPTIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("engine", {"help": "Engine that trials run on [local]."}),
    ("content", {"type": Path, "help": "Folder laid out as security_content."}),
    ("app", {"type": Path, "action": "append", "help": "A Splunk app's folder; repeatable."}),
    ("iplocation", {"type": Path, "help": "IP locations, a file of MaxMind's kind."}),
    ("data", {"type": Path, "action": "append", "help": "Run on this file instead; repeatable."}),
    ("sourcetype", {"help": "Source type of the data."}),
    ("source", {"help": "Source of the data."}),
    ("index", {"help": "Index of events that are told none [main]."}),
    ("timezone", {"help": "Zone of bare times and of days [TZ, else UTC]."}),
    ("now", {"help": "The clock [just after the newest event]."}),
    ("earliest", {"help": "Where the time range begins [all time]."}),
    ("latest", {"help": "Where the time range ends [all time]."}),
    ("offline", {"action": "store_true", "help": "Fetch nothing."}),
    ("accept", {"action": "store_true", "help": "Pin the results that were seen."}),
    ("no-builtin-apps", {"action": "store_true", "help": "Leave the built-in add-ons out."}),
)
SETTING_NAMES = {"app": "apps"}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--harness-…` options; plain names belong to other plugins."""
    group = parser.getgroup("harness", "detection-harness")
    for name, arguments in OPTIONS:
        group.addoption(f"--harness-{name}", dest=f"harness_{name.replace('-', '_')}", **arguments)


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker that every trial carries."""
    config.addinivalue_line("markers", "trial: a detection run on a dataset (detection-harness)")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect a sidecar, and a detection with a sidecar that is named on the command line."""
    if file_path.name.endswith(SIDECAR):
        detection = next(
            (
                found
                for ending in DETECTION
                if (
                    found := file_path.with_name(file_path.name.removesuffix(SIDECAR) + ending)
                ).is_file()
            ),
            file_path.with_name(file_path.name.removesuffix(SIDECAR) + ".yml"),
        )
    elif file_path.suffix in DETECTION and parent.session.isinitpath(file_path):
        detection = file_path
        if not _is_detection(file_path):
            return None
    else:
        return None
    from harness.pytest_plugin.items import TrialFile  # noqa: PLC0415 - only with a sidecar

    return TrialFile.from_parent(parent, path=file_path, detection=detection)


def _is_detection(path: Path) -> bool:
    """Whether a YAML file that was named looks like a detection: it has a search."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return any(line.startswith("search:") for line in file)
    except OSError:
        return False


def flags(config: pytest.Config) -> dict[str, Any]:
    """What the command line says, under the names of the settings."""
    found: dict[str, Any] = {}
    for name, _ in OPTIONS:
        value = config.getoption(f"harness_{name.replace('-', '_')}")
        if isinstance(value, list):
            value = tuple(value)
        found[SETTING_NAMES.get(name, name.replace("-", "_"))] = value
    return found
