"""The figures of speed and memory, printed by `make bench`: medians, goals beside them.

    python benchmarks/run.py [--quick]

Machines are noisy: compare figures of one run with each other. Nothing here is a test.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
MEGABYTE = 1_000_000
CHILD = r"""
import json, resource, sys, time
from pathlib import Path
from harness.trials import Project, Settings
data = Path(sys.argv[1])
project = Project(Settings.read(Path.cwd(), {"data": (data,)}, {}))
(trial,) = project.trials(project.content.find("wintemp"))
started = time.perf_counter()
result = trial.run(project)
seconds = time.perf_counter() - started
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps({
    "seconds": seconds, "peak": peak, "events": result.events, "verdict": str(result.verdict),
    "timings": result.timings_ms,
}))
"""
WARM = r"""
import json, sys
from pathlib import Path
from harness.trials import Project, Settings
project = Project(Settings.read(Path.cwd(), {"offline": True}, {}))
trials = list(project.trials(project.content.find("wintemp")))
found = {}
for name in ("stand-in text", "stand-in XML", "stand-in Sysmon"):
    trial = next(one for one in trials if one.name == name)
    found[name] = [trial.run(project).timings_ms["total"] for _ in range(5)]
print(json.dumps(found))
"""


def whole_process(command: list[str], runs: int) -> float:
    """The median seconds of a command, after one run that warms the caches."""
    times = []
    for number in range(runs + 1):
        started = time.perf_counter()
        subprocess.run(command, cwd=ROOT, env=environment(), check=True, capture_output=True)
        if number:
            times.append(time.perf_counter() - started)
    return statistics.median(times)


def environment() -> dict[str, str]:
    """The environment without the network, where compiled modules may be kept."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "HARNESS_OFFLINE": "1"}


def child(code: str, *arguments: str) -> str:
    """What a Python program prints."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        env=environment(),
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout


def large_file(path: Path, size: int) -> int:
    """Write XmlWinEventLog until the file has a size; gives the bytes written.

    Each block is an hour of everyday processes with a burst in it, an hour after the last one.
    """
    from harness.datasets.synthetic import rendered  # noqa: PLC0415 - only for this figure

    written, hour = 0, 0
    with path.open("w", encoding="utf-8") as file:
        while written < size:
            everyday = {
                "process_path": r"C:\Windows\System32\svchost.exe",
                "process": "svchost {n}",
            }
            burst = {
                "process_path": r"C:\Windows\Temp\t{n}.exe",
                "process": r"C:\Windows\Temp\t{n}.exe",
            }
            day, month = hour // 24 % 28 + 1, hour // 672 % 12 + 1
            recipe = {
                "kind": "windows_security_4688_xml",
                "start": f"2022-{month:02}-{day:02}T{hour % 24:02}:00:00Z",
                "events": [
                    {"count": 1000, "every": "3s", "fields": everyday},
                    {"count": 40, "every": "20s", "fields": burst},
                ],
            }
            for one in rendered(recipe):
                written += file.write(one.text)
            hour += 1
    return written


def show(name: str, goal: str, value: str) -> None:
    """One line of the table."""
    print(f"{name:<58} {goal:>16}  {value}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer runs, a smaller file")
    quick = parser.parse_args().quick
    runs, size = (3, 40 * MEGABYTE) if quick else (9, 200 * MEGABYTE)
    show("what", "goal", "measured")
    python = sys.executable
    command = [python, "-c", "from harness.cli import main; main()", "run", "wintemp"]
    show("harness run wintemp, whole process", "<= 1.0 s", f"{whole_process(command, runs):.2f} s")
    command = [python, "-m", "pytest", "-q", "-k", "wintemp"]
    seconds = whole_process(command, max(3, runs // 2))
    show("pytest -q -k wintemp, whole process", "<= 2.0 s", f"{seconds:.2f} s")
    for name, times in json.loads(child(WARM)).items():
        first, rest = times[0], statistics.median(times[1:])
        label = f"{name}: ingest + compile + run + risk"
        show(label, "<= 150 ms", f"{rest:.0f} ms, first of its process {first:.0f} ms")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.xml"
        written = large_file(path, size)
        found = json.loads(child(CHILD, str(path)))
    rate = written / MEGABYTE / found["seconds"]
    label = f"{written // MEGABYTE} MB of XmlWinEventLog through the detection"
    show(label, ">= 60 MB/s", f"{rate:.0f} MB/s, {found['events']:,} events, {found['verdict']}")
    show("  its peak of resident memory", "< 1000 MB", f"{found['peak'] / MEGABYTE:.0f} MB")


if __name__ == "__main__":
    main()
