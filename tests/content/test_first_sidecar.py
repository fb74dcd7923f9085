"""The trials of our own detection against a count of their raw text by regular expressions."""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness.content import TrialSpec, read_expectations
from harness.datasets import read_manifest
from harness.datasets.synthetic import rendered

ROOT = Path(__file__).parents[2]
SIDECAR = ROOT / (
    "detections/endpoint/excessive_distinct_processes_from_windows_temp.expected.yaml"
)
TRIALS = [
    trial
    for trial in read_expectations(SIDECAR).trials
    if trial.dataset is None or trial.dataset.startswith("standin_")
]
XML = {
    "host": r"<Computer>([^<]*)</Computer>",
    "user": r"Name=['\"](?:SubjectUserName|User)['\"]>([^<]*)<",
    "path": r"Name=['\"](?:NewProcessName|Image)['\"]>([^<]*)<",
    "command": r"Name=['\"]CommandLine['\"]>([^<]*)<",
    "time": r"SystemTime=['\"](\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)",
}
TEXT = {
    "host": r"(?m)^ComputerName=(.*)$",
    "user": r"Account Name:\s*(\S+)",
    "path": r"New Process Name:\s*(.*)",
    "command": r"Process Command Line:\s*(.*)",
    "time": r"(\d\d/\d\d/\d{4} \d\d:\d\d:\d\d [AP]M)",
}
BUCKET_SECONDS = 1200
Group = tuple[str, str, int]


def raw_of(trial: TrialSpec) -> str:
    recipe = trial.events
    if trial.dataset is not None:
        recipe = read_manifest(ROOT / "datasets" / f"{trial.dataset}.yml").synthetic
    return "".join(file.text for file in rendered(recipe, trial.data_place))


def commands_by_group(raw: str) -> dict[Group, set[str]]:
    """The distinct commands below Windows\\Temp by host, user and bucket of 20 minutes."""
    is_xml = "<Event" in raw
    patterns = XML if is_xml else TEXT
    time_format = "%Y-%m-%dT%H:%M:%S" if is_xml else "%m/%d/%Y %I:%M:%S %p"
    found: dict[Group, set[str]] = defaultdict(set)
    for event in raw.split("</Event>") if is_xml else re.split(r"\n(?=\d\d/\d\d/\d{4})", raw):
        if not event.strip():
            continue
        values: dict[str, str] = {}
        for name, pattern in patterns.items():
            match = re.search(pattern, event)
            assert match is not None, (name, event)
            values[name] = match[1].strip()
        if "\\windows\\temp\\" in values["path"].lower():
            moment = datetime.strptime(values["time"], time_format).replace(tzinfo=UTC)
            bucket = int(moment.timestamp()) // BUCKET_SECONDS
            found[values["host"], values["user"], bucket].add(values["command"])
    return found


@pytest.mark.parametrize("trial", TRIALS, ids=[trial.name for trial in TRIALS])
def test_a_trial_expects_what_its_raw_text_says(trial: TrialSpec) -> None:
    firing = {
        group: len(commands)
        for group, commands in commands_by_group(raw_of(trial)).items()
        if len(commands) > 37
    }
    assert trial.expect.results.holds(len(firing))
    assert trial.expect.fires == bool(firing)
    if not firing:
        return
    assert trial.expect.risk is not None
    hosts = sorted(host for host, _, _ in firing)
    assert sorted(str(item.object) for item in trial.expect.risk) == hosts
    by_name = {rule.name: rule for rule in trial.expect.every_row}
    counts = by_name["distinct_process_count"].equals
    assert counts is not None
    assert {int(counts[0])} == set(firing.values())
    if "user" in by_name:
        # Splunk's add-on for Sysmon takes the domain off the account.
        accounts = tuple(user.rsplit("\\", 1)[-1] for _, user, _ in firing)
        assert by_name["user"].equals == accounts


def test_the_trials_that_do_not_fire_would_by_a_looser_count() -> None:
    """Each one is near: without its bucket, user, host or distinctness it has 38 or more."""
    silent = {trial.name: raw_of(trial) for trial in TRIALS if not trial.expect.fires}
    assert silent.keys() == {
        "37 distinct commands", "38 over two buckets", "38 over two users", "38 over two hosts",
        "few commands repeated", "37 commands twice", "benign mix with decoys",
    }  # fmt: skip
    for name, raw in silent.items():
        groups = commands_by_group(raw)
        distinct = {(group, command) for group, found in groups.items() for command in found}
        events = raw.count("</Event>") or raw.count("LogName=")
        wanted = {
            "37 distinct commands": (37, 37), "few commands repeated": (2, 38),
            "37 commands twice": (37, 74), "benign mix with decoys": (12, 132),
        }.get(name, (38, 38))  # fmt: skip
        assert (len(distinct), events) == wanted, name
