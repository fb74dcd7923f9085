"""Start `harness serve` as Splunk's own image starts a Splunk, and say when it is ready.

It understands what that image is told: SPLUNK_PASSWORD, SPLUNK_HEC_TOKEN, SPLUNK_START_ARGS, and
apps in /opt/splunk/etc/apps. Its last word of the start is Splunk's: "Ansible playbook complete".
"""

from __future__ import annotations

import os
import signal
import ssl
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import harness

BUILTIN = Path(harness.__file__).parent / "builtin"
APPS = Path("/opt/splunk/etc/apps")
STATE = Path("/opt/splunk/var/harness")
START_SECONDS = 120.0
ACCEPTED = "--accept-license"
MARKER = "Ansible playbook complete, will begin streaming splunkd_stderr.log"


def main() -> int:
    """Run the server until it ends or a signal comes; its exit code."""
    if ACCEPTED not in os.environ.get("SPLUNK_START_ARGS", ACCEPTED):
        print(f"License not accepted, please adjust SPLUNK_START_ARGS to: {ACCEPTED}", flush=True)
        return 1
    if not os.environ.get("SPLUNK_PASSWORD"):
        print("no password: set SPLUNK_PASSWORD", flush=True)
        return 1
    STATE.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "harness", "serve", "--host", "0.0.0.0"]  # noqa: S104 - in a container
    command += ["--port", "8089", "--hec-port", "8088", "--state", str(STATE)]
    apps = [one for one in sorted(APPS.glob("*")) if _is_app(one)]
    command += [word for app in apps for word in ("--app", str(app))]
    if any((BUILTIN / app.name).is_dir() for app in apps):
        command.append("--no-builtin-apps")  # whoever mounts some of them mounts those wanted
    environment = {**os.environ, "HARNESS_SERVE_PASSWORD": os.environ["SPLUNK_PASSWORD"]}
    if token := os.environ.get("SPLUNK_HEC_TOKEN"):
        environment["HARNESS_SERVE_HEC_TOKEN"] = token
    server = subprocess.Popen([*command, *sys.argv[1:]], env=environment)  # noqa: S603 - ours
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, lambda number, _: server.send_signal(number))
    until = time.monotonic() + START_SECONDS
    while server.poll() is None and not _healthy():
        if time.monotonic() > until:
            print(f"the server was not ready in {START_SECONDS:g} s", flush=True)
            server.kill()
            break
        time.sleep(0.05)
    if server.poll() is None:
        print(MARKER, flush=True)
    return server.wait()


def _is_app(folder: Path) -> bool:
    return (folder / "default").is_dir() or (folder / "local").is_dir()


def _healthy() -> bool:
    context = ssl._create_unverified_context()  # noqa: S323, SLF001 - a certificate of its own
    url = "https://127.0.0.1:8088/services/collector/health/1.0"
    try:
        with urllib.request.urlopen(url, timeout=2, context=context) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(main())
