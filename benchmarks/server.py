"""The server's speed over loopback: start, ingest by several senders, and searches.

Usage: server.py [EVENTS]; prints one JSON object. Everything runs as real processes: the server
with TLS and a state on disk, and each sender by itself.
"""

from __future__ import annotations

import http.client
import json
import os
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
from base64 import b64encode
from multiprocessing import Process
from pathlib import Path

TOKEN = "5e7ffb1c-53a3-4b8e-9d0a-64a8f3c0b0aa"  # noqa: S105 - of a server that lives for a minute
PASSWORD = "a password of the benchmark"  # noqa: S105 - as above
SENDERS, A_REQUEST = 4, 1000
SEARCHES = {
    "term and stats": "search index=main needle | stats count by host",
    "tstats": "| tstats count from datamodel=Endpoint.Processes by Processes.dest",
    "table of 1000": "search index=main | head 1000 | table *",
}
RUNS = 20
CONTEXT = ssl._create_unverified_context()  # noqa: S323, SLF001 - loopback


def event(number: int) -> str:
    """A kilobyte of log."""
    needle = " needle" if number % 100 == 0 else ""
    seconds = 1_767_225_600 + number / 100
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    start = (
        f"{stamp}.{number % 1000:03}Z host{number % 20} app[{number}]: user=u{number % 97}{needle}"
    )
    return f"{start} status={number % 7} msg={'payload ' * 120}"[:1000]


def send(port: int, first: int, count: int) -> None:
    """One sender: batches over one connection, each answered before the next."""
    connection = http.client.HTTPSConnection("127.0.0.1", port, context=CONTEXT)
    channel = f"00000000-0000-0000-0000-{first:012}"
    for start in range(first, first + count, A_REQUEST):
        body = "\n".join(event(number) for number in range(start, start + A_REQUEST))
        path = "/services/collector/raw?sourcetype=bench&source=bench&host=h"
        headers = {"Authorization": f"Splunk {TOKEN}", "X-Splunk-Request-Channel": channel}
        connection.request("POST", path, body.encode(), headers)
        answer = json.loads(connection.getresponse().read())
        if answer["code"] != 0:
            raise SystemExit(str(answer))


def searched(connection: http.client.HTTPSConnection, search: str) -> float:
    """How long a search takes from the request to its last row."""
    form = {"search": search, "exec_mode": "oneshot", "output_mode": "json", "count": "0"}
    credentials = b64encode(f"admin:{PASSWORD}".encode()).decode()
    headers = {
        "Authorization": f"Basic {credentials}",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    started = time.perf_counter()
    connection.request("POST", "/services/search/jobs", urllib.parse.urlencode(form), headers)
    answer = json.loads(connection.getresponse().read())
    taken = time.perf_counter() - started
    if "results" not in answer:
        raise SystemExit(str(answer))
    return taken


def measured(events: int = 100_000) -> dict[str, float]:
    """All measures."""
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "HARNESS_SERVE_PASSWORD": PASSWORD,
            "HARNESS_SERVE_HEC_TOKEN": TOKEN,
        }
        command = [sys.executable, "-c", "from harness.cli import main; main()", "serve"]
        command += ["--port", "0", "--hec-port", "0", "--state", str(Path(folder) / "state")]
        started = time.perf_counter()
        server = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        try:
            assert server.stdout is not None
            ports = []
            for line in server.stdout:
                if line.startswith(("REST", "HEC")):
                    ports.append(int(line.rsplit(":", 1)[1]))
                if line.strip() == "ready":
                    break
            found["start_seconds"] = time.perf_counter() - started
            rest, hec = ports
            share = events // SENDERS
            senders = [Process(target=send, args=(hec, n * share, share)) for n in range(SENDERS)]
            started = time.perf_counter()
            for sender in senders:
                sender.start()
            for sender in senders:
                sender.join()
            found["ingest_events_per_second"] = events / (time.perf_counter() - started)
            connection = http.client.HTTPSConnection("127.0.0.1", rest, context=CONTEXT)
            for name, search in SEARCHES.items():
                times = sorted(searched(connection, search) for _ in range(RUNS))
                found[f"{name}, p50 ms"] = statistics.median(times) * 1000
                found[f"{name}, p95 ms"] = times[int(RUNS * 0.95) - 1] * 1000
        finally:
            server.terminate()
            server.wait(timeout=30)
    return found


if __name__ == "__main__":
    print(json.dumps(measured(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000), indent=2))
