"""Options, and which files hold trials."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

SIDECAR = ".expected.yaml"
DETECTION = (".yml", ".yaml")
OPTIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    (
        "engine",
        {"action": "append", "help": "local, splunk, splunk:9.4 or a URL; repeatable [local]."},
    ),
    ("content", {"type": Path, "help": "Folder laid out as security_content."}),
    (
        "app",
        {
            "type": Path,
            "action": "append",
            "help": "A Splunk app: a folder, or an archive; repeatable.",
        },
    ),
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
    ("shift-time", {"action": "store_true", "help": "Move the newest event to now."}),
    ("splunk-url", {"help": "The Splunk that the engine `splunk` means."}),
    ("splunk-hec-url", {"help": "Where its HEC is [the same host, port 8088]."}),
    ("splunk-user", {"help": "Who logs in with HARNESS_SPLUNK_PASSWORD [admin]."}),
    ("splunk-ca", {"type": Path, "help": "The authority of its certificate."}),
    ("splunk-insecure", {"action": "store_true", "help": "Do not verify certificates."}),
    ("splunk-secrets", {"type": Path, "help": "A file of secrets, mode 600."}),
    ("splunk-timeout", {"help": "Seconds that an answer may take [60]."}),
    ("splunk-image", {"help": "The image of a container [splunk/splunk:9.4]."}),
    ("splunk-raw", {"action": "store_true", "help": "It breaks and dates texts itself."}),
    ("keep-splunk", {"action": "store_true", "help": "Keep the container for later runs."}),
    ("no-builtin-apps", {"action": "store_true", "help": "Leave the built-in add-ons out."}),
)
SHORT = frozenset(
    {"engine", "shift-time", "keep-splunk"}
    | {name for name, _ in OPTIONS if name.startswith("splunk-")}
)
"""Options that are also had without `--harness-`, where no other plugin has the name."""
SETTING_NAMES = {"app": "apps"}


LEFT_OUT = pytest.StashKey[set[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--harness-…` options; plain names belong to other plugins, but for the engine's."""
    group = parser.getgroup("harness", "detection-harness")
    for name, arguments in OPTIONS:
        names = [f"--harness-{name}"]
        if name in SHORT and not _taken(parser, f"--{name}"):
            names.append(f"--{name}")
        group.addoption(*names, dest=f"harness_{name.replace('-', '_')}", **arguments)


def _taken(parser: pytest.Parser, name: str) -> bool:
    groups = [parser._anonymous, *parser._groups]  # noqa: SLF001 - pytest has no way to ask
    return any(name in option.names() for group in groups for option in group.options)


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker that every trial carries."""
    config.addinivalue_line("markers", "trial: a detection run on a dataset (detection-harness)")


def pytest_unconfigure() -> None:
    """Leave nothing on a Splunk."""
    if (splunk := sys.modules.get("harness.engines.splunk")) is not None:
        splunk.close_instances()


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """Note the names of the trials that `-k` and `-m` leave out."""
    for item in items:
        trial = getattr(item, "trial", None)
        if trial is not None:
            known = item.config.stash.setdefault(LEFT_OUT, set())
            known |= {item.name.partition("[")[0], trial.detection.path.stem}
            known |= {mark.name for mark in item.own_markers} - {"trial"}


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config
) -> None:
    """Where nothing is left, name the trials that were perhaps meant."""
    known = config.stash.get(LEFT_OUT, set())
    if exitstatus != pytest.ExitCode.NO_TESTS_COLLECTED or not known:
        return
    from harness.errors import nearest  # noqa: PLC0415 - only a mistake needs it

    for word in re.findall(r"[\w.-]+", f"{config.option.keyword} {config.option.markexpr}"):
        if word in {"and", "or", "not"} or any(word in name for name in known):
            continue
        for hint in nearest(word, known):
            terminalreporter.write_line(f"no trial is called `{word}`: {hint}")


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
        if name == "engine":
            value = value[0] if value else None
        if isinstance(value, list):
            value = tuple(value)
        found[SETTING_NAMES.get(name, name.replace("-", "_"))] = value
    return found


def engines_of(config: pytest.Config) -> tuple[str, ...]:
    """The engines that every trial runs on, by the command line; none where it says nothing."""
    return tuple(dict.fromkeys(config.getoption("harness_engine") or ()))
