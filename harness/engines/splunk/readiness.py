"""When a container's Splunk is ready: layer by layer, each with a limit and a word for failure."""

from __future__ import annotations

import re
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.engines.splunk.jobs import Jobs, Window
from harness.engines.splunk.rest import Rest, content, entries
from harness.model import EventBatch
from harness.replay import Hec, SplunkFault, Transport

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from docker.models.containers import Container

    from harness.engines.splunk.address import Address

PLAYBOOK = "Ansible playbook complete"
LAYER_SECONDS = {"playbook": 900.0, "REST": 120.0, "restart": 300.0, "apps": 300.0, "HEC": 120.0}
CANARY_SECONDS = 180.0
CANARY = "harness-canary-"
LINES = 25
HINTS = {"apps": "does this version of Splunk take the app? Its app.conf and the log say why not"}
FAILURES = (
    (r"license|general terms|SPLUNK_GENERAL_TERMS", "the licence terms were not accepted"),
    (r"cannot allocate memory|out of memory|oom", "too little memory: give Docker 4 GB or more"),
    (r"no space left", "the disk is full: a Splunk wants 5 GB free"),
    (r"illegal instruction|mongod.*(exit|fail)|AVX", "the KV store needs a CPU with AVX"),
    (r"exec format error|platform", "the image is for linux/amd64 only"),
    (r"fatal: \[localhost\]|failed=[1-9]", "the image's playbook failed: the lines say at what"),
)


@dataclass(slots=True)
class Waiting:
    """A container that is waited for, and the apps that must be there in the end."""

    container: Container
    address: Address
    apps: Sequence[str]
    shown: bool = False
    seconds: dict[str, float] = field(default_factory=lambda: dict(LAYER_SECONDS))


def await_ready(waiting: Waiting) -> None:
    """Wait for each layer in order; the error of a limit shows the container's state and log."""
    rest: list[Rest] = []

    def client() -> Rest:
        if not rest:
            rest.append(Rest(waiting.address))
        return rest[0]

    _layer(waiting, "playbook", lambda: _playbook(waiting))
    _layer(waiting, "REST", lambda: bool(content(client().get("/services/server/info"))))
    _layer(waiting, "restart", lambda: not _restart_required(client()))
    _layer(waiting, "apps", lambda: _missing(client(), waiting.apps) == "")
    transport = Transport(waiting.address.hec_url, waiting.address.tls)
    _layer(waiting, "HEC", lambda: Hec(transport, "").healthy())
    _canary(waiting, client(), transport)
    transport.close()
    client().close()


def _layer(waiting: Waiting, name: str, reached: Callable[[], bool]) -> None:
    until = time.monotonic() + waiting.seconds[name]
    wait = 0.1
    last = ""
    if waiting.shown:
        sys.stderr.write(f"splunk: {waiting.container.name}: waiting for {name}\n")
    while True:
        alive(waiting.container, name)
        try:
            if reached():
                return
        except SplunkFault as error:
            last = error.message
        if time.monotonic() > until:
            told = f"{name} was not ready in {waiting.seconds[name]:g} s"
            raise _failed(waiting.container, told, last, HINTS.get(name))
        time.sleep(wait)
        wait = min(3.0, wait * 1.5)


def alive(container: Container, name: str = "") -> None:
    """Raise where a container has stopped."""
    from docker.errors import NotFound  # noqa: PLC0415 - an extra

    try:
        container.reload()
    except NotFound as error:
        raise SplunkFault(f"{container.name} was removed by somebody") from error
    if container.status not in ("created", "running", "restarting"):
        raise _failed(container, f"the container stopped{f' before {name}' if name else ''}", "")


def _failed(container: Container, what: str, last: str, hint: str | None = None) -> SplunkFault:
    state: dict[str, Any] = container.attrs.get("State", {})
    told = f"{container.name}: {what} (state {state.get('Status')}, exit {state.get('ExitCode')}"
    told += ", out of memory)" if state.get("OOMKilled") else ")"
    text = last_lines(container)
    return SplunkFault(
        f"{told}{f': {last}' if last else ''}\nlast lines of its log:\n{text}",
        hints=[
            *([hint] if hint else []),
            *hints_of(text, oom=bool(state.get("OOMKilled"))),
        ],
    )


def last_lines(container: Container, count: int = LINES) -> str:
    """The end of a container's log; passwords do not stand in it, and are not let through."""
    raw = container.logs(tail=count)
    text: str = raw.decode("utf-8", errors="replace") if isinstance(raw, bytes) else str(raw)
    for one in container.attrs.get("Config", {}).get("Env") or ():
        name, _, value = one.partition("=")
        if value and name in ("SPLUNK_PASSWORD", "SPLUNK_HEC_TOKEN"):
            text = text.replace(value, "(secret)")
    return text.strip()


def hints_of(text: str, *, oom: bool = False) -> list[str]:
    """What the log of a container that failed points to."""
    found = ["too little memory: give Docker 4 GB or more"] if oom else []
    found += [
        hint
        for pattern, hint in FAILURES
        if re.search(pattern, text, re.IGNORECASE) and hint not in found
    ]
    return found or ["`docker logs` shows the whole log while the container is kept"]


def _playbook(waiting: Waiting) -> bool:
    started = str(waiting.container.attrs.get("State", {}).get("StartedAt", ""))
    found = re.match(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)", started)
    from datetime import UTC, datetime  # noqa: PLC0415 - for a restart only

    since = datetime.fromisoformat(found[1]).replace(tzinfo=UTC) if found else None
    raw = waiting.container.logs(since=since) if since else waiting.container.logs()
    text = raw.decode("utf-8", errors="replace")
    if re.search(r"failed=[1-9]", text) and PLAYBOOK not in text:
        raise _failed(waiting.container, "the image's playbook failed", "")
    return PLAYBOOK in text


def _restart_required(rest: Rest) -> bool:
    listed = entries(rest.get("/services/messages", count=0))
    return any("restart" in str(one.get("name", "")).lower() for one in listed)


def _missing(rest: Rest, apps: Sequence[str]) -> str:
    there = {str(one.get("name")) for one in entries(rest.get("/services/apps/local", count=0))}
    missing = [one for one in apps if one not in there]
    if missing:
        raise SplunkFault(f"not installed yet: {', '.join(missing[:5])}")
    return ""


def _canary(waiting: Waiting, rest: Rest, transport: Transport) -> None:
    """An event sent and found: the whole way works. Whoever may delete it does so."""
    marker = f"{CANARY}{time.time_ns() % 10**9}"
    batch = EventBatch("main", "canary", "harness:canary", [marker], [time.time()], ["canary"])
    Hec(transport, waiting.address.seed or "").send([batch], marker)
    info = content(rest.get("/services/server/info"))
    version = tuple(int(one) for one in re.findall(r"\d+", str(info.get("version", "0")))[:3])
    jobs = Jobs(rest, version, marker)
    until = time.monotonic() + CANARY_SECONDS
    wait = 0.1
    text = f"search index=main harness_trial::{marker} | stats count"
    while True:
        alive(waiting.container, "the canary")
        rows = jobs.run(text, Window()).rows.rows
        if rows and str(rows[0].get("count")) == "1":
            break
        if time.monotonic() > until:
            raise _failed(
                waiting.container, f"an event could not be found in {CANARY_SECONDS:g} s", ""
            )
        time.sleep(wait)
        wait = min(3.0, wait * 1.5)
