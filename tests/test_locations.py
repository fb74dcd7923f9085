"""The database of IP locations: how it is named, and what happens when it cannot be read."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from mmdb import write_database

from harness.engines.locations import BadLocations, open_locations
from harness.trials.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

PLACES = {"192.0.2.0/24": {"country": {"names": {"en": "Germany"}}}}


def searched(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from harness.cli import main; main()", "search", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_command_line_names_it(tmp_path: Path) -> None:
    database = write_database(tmp_path / "places.mmdb", PLACES)
    events = tmp_path / "events.log"
    events.write_text("2020-09-13T12:26:40Z ip=192.0.2.7\n")
    result = searched(
        "search index=main | iplocation ip | table Country",
        *("--data", str(events), "--iplocation", str(database), "--format", "jsonl"),
    )
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout) == {"Country": "Germany"}


def test_without_it_the_remedy_is_named(tmp_path: Path) -> None:
    events = tmp_path / "events.log"
    events.write_text("2020-09-13T12:26:40Z ip=192.0.2.7\n")
    result = searched("search index=main | iplocation ip", "--data", str(events))
    assert result.returncode != 0
    assert "--iplocation FILE" in " ".join(result.stderr.split())


def test_the_project_names_it(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[tool.detection-harness]\niplocation = "places.mmdb"\n'
    )
    assert Settings.read(tmp_path, {}, {}).iplocation == tmp_path / "places.mmdb"


def test_the_environment_names_it(tmp_path: Path) -> None:
    found = Settings.read(tmp_path, {}, {"HARNESS_IPLOCATION": str(tmp_path / "x.mmdb")})
    assert found.iplocation == tmp_path / "x.mmdb"


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "x.mmdb"
    path.write_text("not a database")
    with pytest.raises(BadLocations, match="no MaxMind file"):
        open_locations(str(path))


def test_a_file_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(BadLocations, match="cannot be read"):
        open_locations(str(tmp_path / "missing.mmdb"))
