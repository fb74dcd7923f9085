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


COMPILE = r"""
import json, statistics, sys, time
from pathlib import Path
from harness.content import read_detection
from harness.engines.base import SearchRequest
from harness.engines.search import LocalSearch
from harness.errors import HarnessError
from harness.model import ALL_TIME
from harness.trials import Project, Settings
project = Project(Settings.read(Path.cwd(), {"content": Path(sys.argv[1])}, {}))
engine = project.local_engine()
detections = [read_detection(path) for path in project.content.detection_paths]
times, compiled = [], 0
for one in detections:
    request = SearchRequest(one.search, 0.0, ALL_TIME, str(one.path), dry=True)
    started = time.perf_counter()
    try:
        with engine.own_tables():
            LocalSearch(engine, request).compiled()
        compiled += 1
    except HarnessError:
        pass
    times.append(time.perf_counter() - started)
print(json.dumps({
    "median": statistics.median(times), "all": sum(times), "count": len(times),
    "compiled": compiled,
}))
"""
FIELDS = r"""
import json, sys, time
from pathlib import Path
from harness.apps import load_apps
from harness.engines.base import SearchRequest
from harness.engines.duckdb import DuckDBEngine
from harness.engines.knowledge import Knowledge
from harness.model import ALL_TIME, EventBatch
told, limit, spl = json.loads(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
end = told.pop("end")
pieces = Path(sys.argv[1]).read_text(encoding="utf-8").split(end)
raw = [piece.strip() + end.strip() for piece in pieces if piece.strip()]
raw = raw[: max(1, limit * len(raw) // 100)]
engine = DuckDBEngine(Knowledge(load_apps()), threads=2)
engine.load([EventBatch("main", **told, raw=raw, time=[float(n) for n in range(len(raw))],
                        host=["h"] * len(raw))])
best = work = float("inf")
for _ in range(3):
    started, before = time.perf_counter(), time.process_time()
    engine.search(SearchRequest("search index=main " + spl, 0.0, ALL_TIME))
    best = min(best, time.perf_counter() - started)
    work = min(work, time.process_time() - before)
size = sum(map(len, raw)) / 2**20
print(json.dumps([size / best, size / work]))
"""
LOGS = r"""
import json, sys, time
from pathlib import Path
from harness.apps import load_apps
from harness.engines.base import SearchRequest
from harness.engines.duckdb import DuckDBEngine
from harness.engines.knowledge import Knowledge
from harness.ingest import ingest
from harness.model import ALL_TIME, Origin
wanted, spl, files = int(sys.argv[1]), sys.argv[2], [Path(name) for name in sys.argv[3:]]
apps = load_apps()
started = time.perf_counter()
batches = list(ingest(files, Origin("main"), apps))
read = time.perf_counter() - started
size = sum(path.stat().st_size for path in files) / 2**20
text = sum(len(raw) for batch in batches for raw in batch.raw) / 2**20
engine = DuckDBEngine(Knowledge(apps), threads=2)
times = max(1, int(wanted / size))
for _ in range(times):
    engine.load(batches)
best = work = float("inf")
for _ in range(3):
    started, before = time.perf_counter(), time.process_time()
    engine.search(SearchRequest("search index=main " + spl, 0.0, ALL_TIME))
    best = min(best, time.perf_counter() - started)
    work = min(work, time.process_time() - before)
print(json.dumps({
    "read": size / read, "files": times * size / best, "text": times * text / best,
    "work": times * text / work,
}))
"""
"""Files of event logs are large and not full: both their size and their text's count."""
PARQUET = r"""
import json, resource, statistics, sys, time
from pathlib import Path
import duckdb
from harness.apps import load_apps
from harness.engines.base import SearchRequest
from harness.engines.duckdb import DuckDBEngine
from harness.engines.knowledge import Knowledge
from harness.model import ALL_TIME, EventTable, Origin
path, runs, memory = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
table = EventTable(path, Origin("main", None, "proc"))
engine = DuckDBEngine(Knowledge(load_apps()), tables=[table], memory=memory)
by_hand = duckdb.connect(config={"memory_limit": memory})
search = (
    'search sourcetype=proc process_path="*\\\\Temp\\\\*" | bin _time span=20m'
    " | stats dc(process) AS distinct_processes values(user) AS user BY _time dest"
    " | where distinct_processes > 80"
)
sql = (
    "SELECT floor(_time / 1200) * 1200 AS t, dest, count(DISTINCT process) AS n,"
    f' list_sort(list(DISTINCT "user")) FROM read_parquet(\'{path}\')'
    " WHERE process_path ILIKE '%\\Temp\\%' GROUP BY t, dest HAVING n > 80 ORDER BY t, dest"
)
ours, theirs = [], []
for _ in range(runs):
    started = time.perf_counter()
    rows = engine.search(SearchRequest(search, 2e9, ALL_TIME)).rows.rows
    ours.append(time.perf_counter() - started)
    started = time.perf_counter()
    expected = by_hand.execute(sql).fetchall()
    theirs.append(time.perf_counter() - started)
    assert [(r["_time"], r["dest"], r["distinct_processes"]) for r in rows] == [
        row[:3] for row in expected
    ], "the two disagree"
print(json.dumps({
    "ours": statistics.median(ours), "sql": statistics.median(theirs), "rows": len(rows),
    "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
}))
"""
MEASURED = r"""
import resource, sys
from harness.cli import main
try:
    main()
finally:
    sizes = [resource.getrusage(who).ru_maxrss for who in (
        resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    workers = 2 if sizes[1] else 0
    print((sizes[0] + workers * sizes[1]) * 1024, file=sys.stderr)
"""
"""The command line; its last line on stderr bounds the memory of the process and its workers."""
APPS = r"""
import json, statistics, sys, time
from pathlib import Path
from harness.apps import load_apps
def seconds(paths):
    started = time.perf_counter()
    apps = load_apps(paths)
    apps.props_for("source", "large_3"), apps.transform("extraction_1"), apps.eventtypes, apps.tags
    apps.macros, apps.lookups, apps.saved_searches, list(apps.data_models)
    return time.perf_counter() - started
given = [Path(one) for one in sys.argv[1:]]
times = [seconds(given) for _ in range(5)]
print(json.dumps({"first": times[0] * 1000, "again": statistics.median(times[1:]) * 1000}))
"""
"""The first time is of a process that has read nothing yet."""
CORPUS = ROOT.parent / "shared" / "corpus"


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


def json_file(path: Path, size: int) -> None:
    """Write JSON events, one a line, until the file has a size."""
    written, number = 0, 0
    with path.open("w", encoding="utf-8") as file:
        while written < size:
            event = {
                "eventName": f"Name{number % 50}",
                "userIdentity": {"type": "User", "arn": f"arn:user/u{number % 99}"},
                "sourceIPAddress": f"10.0.0.{number % 250}",
                "eventSource": "storage.example.com",
                "awsRegion": "north-1",
                "requestParameters": {"bucket": f"b{number}", "keys": ["a", "b"]},
                "responseElements": None,
                "userAgent": "client/2.0 Python/3.8 Linux",
                "eventID": f"{number:036}",
                "readOnly": True,
            }
            written += file.write(json.dumps(event) + "\n")
            number += 1


def show_fields(folder: Path, *, quick: bool) -> None:
    """Five fields of every event, and all of them, over XML and JSON."""
    size = (20 if quick else 100) * MEGABYTE
    xml, text = folder / "fields.xml", folder / "fields.json"
    large_file(xml, size)
    json_file(text, size // 2)
    windows = {"source": "XmlWinEventLog:Security", "sourcetype": "XmlWinEventLog"}
    shapes = (
        ("XmlWinEventLog", xml, {**windows, "end": "</Event>"}, (">= 150 MB/s", ">= 15 MB/s"),
         "EventID Computer SubjectUserName NewProcessName CommandLine"),
        ("JSON", text, {"source": "x", "sourcetype": "_json", "end": "\n"},
         ("> 11 MB/s", "> 3 MB/s"),
         "eventName userIdentity.arn sourceIPAddress eventSource awsRegion"),
    )  # fmt: skip
    for name, path, told, (goal_five, goal_all), five in shapes:
        for label, share, goal, spl in (
            (
                "5 fields of {}, by stats",
                "100",
                goal_five,
                f"| stats count by {five} | stats sum(count)",
            ),
            ("all fields of {}, counted", "20", "", "| fields * | stats count"),
            ("all fields of {}, as rows", "20", goal_all, "| table *"),
        ):
            rate, work = json.loads(child(FIELDS, str(path), json.dumps(told), share, spl))
            show(label.format(name), goal, f"{rate:.0f} MB/s; {work:.0f} MB a second of CPU")


def show_logs(*, quick: bool) -> None:
    """Five fields of every event of binary event logs, so many of them as make up a size."""
    logs = sorted((CORPUS / "evtx_attack_samples").rglob("*.evtx"))
    if not logs:
        show("5 fields of .evtx, by stats", ">= 100 MB/s", "skipped: ../shared/corpus is not there")
        return
    spl = "| stats count by EventID Computer Channel EventRecordID ProcessID | stats sum(count)"
    size = "100" if quick else "400"
    found = json.loads(child(LOGS, size, spl, *(str(path) for path in logs)))
    value = f"{found['text']:.0f} MB/s of text; {found['work']:.0f} MB a second of CPU"
    show("5 fields of .evtx, by stats", ">= 100 MB/s", value)
    show("  by the sizes of the files", "", f"{found['files']:.0f} MB/s")
    show(f"  reading the {len(logs)} files", "", f"{found['read']:.0f} MB/s of their sizes")


def process_events(path: Path, rows: int) -> None:
    """Write so many process events as Parquet: hosts, users and paths as a fleet has them."""
    import duckdb  # noqa: PLC0415 - only for this figure

    windows = (
        "'C:\\Windows\\' || CASE WHEN hash(range + 7) % 7 = 0 THEN 'Temp\\' ELSE 'System32\\' END"
    )
    duckdb.execute(
        "COPY (SELECT 1700000000 + range / 20.0 AS _time, 'host' || (hash(range) % 50) AS dest,"  # noqa: S608
        f" {windows} || 'p' || (hash(range + 1) % 1000) || '.exe' AS process_path,"
        " 'p' || (hash(range + 2) % 5000) || '.exe -x' AS process,"
        " 'u' || (hash(range + 3) % 10) AS \"user\""
        f" FROM range({rows})) TO '{path}' (FORMAT PARQUET)"
    )


def show_parquet(folder: Path, *, quick: bool) -> None:
    """A search over Parquet beside the same by hand, and a large one in little memory."""
    path = folder / "events.parquet"
    process_events(path, 2_000_000)
    found = json.loads(child(PARQUET, str(path), "9", "4GB"))
    ratio = found["ours"] / found["sql"]
    value = f"{ratio:.2f} x, {found['ours'] * 1000:.0f} ms, {found['rows']:,} rows"
    show("2,000,000 events in Parquet, by SQL of one's own", "<= 1.2 x", value)
    if quick:
        return
    process_events(path, 20_000_000)
    found = json.loads(child(PARQUET, str(path), "1", "2GB"))
    value = f"{found['ours']:.1f} s, peak {found['peak'] / MEGABYTE:.0f} MB"
    show("20,000,000 events in Parquet with --memory 2GB", "finishes", value)


def show_apps(folder: Path) -> None:
    """How long the built-in apps take to read, and a large add-on over them."""
    from large_app import write_large_app  # noqa: PLC0415 - beside this file

    found = json.loads(child(APPS))
    value = f"{found['first']:.0f} ms, again {found['again']:.0f} ms"
    show("load the built-in apps", "<= 80 ms", value)
    write_large_app(folder / "TA_large")
    more = json.loads(child(APPS, str(folder / "TA_large")))
    first, again = (max(0.0, more[key] - found[key]) for key in ("first", "again"))
    label = "load a large add-on: 100 kB, 36 kB, 40 lookups"
    show(label, "<= 500, 100 ms", f"{first:.0f} ms, again {again:.0f} ms")


def show_library() -> None:
    """The detections of security_content: compiled, and run over 125 event logs."""
    content, logs = CORPUS / "security_content", CORPUS / "evtx_attack_samples"
    if not content.is_dir():
        show("the library of security_content", "", "skipped: ../shared/corpus is not there")
        return
    found = json.loads(child(COMPILE, str(content)))
    count = f"{found['compiled']} of {found['count']}"
    show("compile a detection, median", "<= 10 ms", f"{found['median'] * 1000:.1f} ms")
    show("compile all, one process", "<= 20 s", f"{found['all']:.1f} s, {count}")
    files = [str(path) for path in sorted(logs.rglob("*.evtx"))]
    command = [sys.executable, "-c", MEASURED, "batch", "--content", str(content)]
    times, done = [], None
    for _ in range(3):
        started = time.perf_counter()
        done = subprocess.run(
            [*command, "--json", "--data", *files],
            cwd=ROOT,
            env=environment(),
            check=False,
            capture_output=True,
            text=True,
        )
        times.append(time.perf_counter() - started)
    seconds = statistics.median(times)
    summary = json.loads(done.stdout)["summary"] if done else {}
    peak = int(done.stderr.strip().rsplit("\n", 1)[-1]) / MEGABYTE if done else 0.0
    label = f"batch of {summary['searches']} detections over {len(files)} .evtx files"
    value = f"{seconds:.1f} s, {summary['fired']} fired, {summary['ok']} ran"
    show(label, "<= 15 s", value)
    show("  its peak of resident memory, all processes", "<= 1000 MB", f"{peak:.0f} MB")


def show_server(*, quick: bool) -> None:
    """The server over loopback, in a process of its own; see benchmarks/server.py."""
    found = json.loads(
        subprocess.run(
            [sys.executable, str(ROOT / "benchmarks/server.py"), "40000" if quick else "100000"],
            cwd=ROOT,
            env={**environment(), "PYTHONPATH": str(ROOT)},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    )
    show("server: from the start to both ports", "<= 1.5 s", f"{found['start_seconds']:.2f} s")
    rate = f"{found['ingest_events_per_second']:,.0f} events/s"
    show("server: raw events of 1 kB, 4 senders, on disk", ">= 20,000 events/s", rate)
    for name, value in found.items():
        if name.endswith("p95 ms"):
            show(f"server: {name}", "<= 300 ms", f"{value:.0f} ms")


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
    with tempfile.TemporaryDirectory() as folder:
        show_apps(Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        show_fields(Path(folder), quick=quick)
    show_logs(quick=quick)
    show_library()
    with tempfile.TemporaryDirectory() as folder:
        show_parquet(Path(folder), quick=quick)
    show_server(quick=quick)


if __name__ == "__main__":
    main()
