"""A small Splunk for tests, in a process of its own: REST and HEC as the documentation has them.

It holds events and answers the few searches that the engine itself asks, and canned rows for any
other. Faults are armed over `POST /fault`: {"path": regex, "method": "POST", "times": n, "do": …}.
A real TLS server where a certificate is given.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import signal
import ssl
import sys
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

PASSWORD, TOKEN, HEC_TOKEN = "right-password", "right-token", "right-hec-token"


class State:
    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.events: list[dict[str, Any]] = []
        self.indexes = {"main"}
        self.sessions: dict[str, str] = {}
        self.users = {"admin": {"password": PASSWORD, "roles": ["admin"]}}
        self.roles: dict[str, dict[str, list[str]]] = {
            "power": {"capabilities": ["search"]},
            "admin": {"imported_roles": ["power"]},
        }
        self.tokens = {"given": HEC_TOKEN}
        self.jobs: dict[str, dict[str, Any]] = {}
        self.acks: dict[int, bool] = {}
        self.faults: list[dict[str, Any]] = []
        self.rows: list[dict[str, Any]] = [{"dest": "H1", "count": "3"}]
        self.log: list[str] = []
        self.eaten: list[bytearray] = []
        self.hidden = ""
        self.options: dict[str, Any] = {
            "hec": True, "ack": True, "roles": True, "ack_delay": 0, "delete": True,
            "job_state": "DONE", "job_polls": 0, "messages": [], "version": "9.4.1",
            "create_index": True, "token_create": True, "max_live": 0, "index_delay": 0.0,
        }  # fmt: skip


STATE = State()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def answer(self, status: int, body: Any, *, half: bool = False) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[: len(data) // 2] if half else data)
        if half:
            self.drop()

    def drop(self) -> None:
        self.close_connection = True
        self.wfile.flush()
        self.connection.close()

    def handle_any(self) -> None:
        parts = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        path = unquote(parts.path)
        query = parse_qs(parts.query)
        STATE.log.append(f"{self.command} {path}")
        if path.startswith("/control/"):
            self.control(path, body)
            return
        fault = self.fault(path)
        if fault == "reset-before":
            self.drop()
            return
        if isinstance(fault, dict):
            self.answer(fault["status"], fault.get("body", {}))
            return
        if fault == "slow":
            time.sleep(3)
        if self.headers.get("Content-Type", "").startswith("application/x-www-form"):
            query |= parse_qs(body.decode())
        status, found = self.found(path, query, body)
        if fault == "reset-after":
            self.drop()
            return
        self.answer(status, found, half=fault == "half")

    do_GET = do_POST = do_DELETE = handle_any

    def fault(self, path: str) -> Any:
        with STATE.lock:
            for one in STATE.faults:
                method = one.get("method", self.command)
                if one["times"] and re.search(one["path"], path) and method == self.command:
                    one["times"] -= 1
                    return one["do"]
        return None

    def control(self, path: str, body: bytes) -> None:
        told = json.loads(body or b"{}")
        with STATE.lock:
            if path.endswith("/fault"):
                STATE.faults.append(told)
            elif path.endswith("/options"):
                STATE.options.update(told)
            elif path.endswith("/rows"):
                STATE.rows = told
            elif path.endswith("/events"):
                STATE.events += told
            elif path.endswith("/eat"):
                while True:
                    STATE.eaten.append(bytearray(b"x" * 1_000_000))
            elif path.endswith("/expire"):
                STATE.sessions.clear()
            self.answer(200, {
                "events": STATE.events, "indexes": sorted(STATE.indexes),
                "users": sorted(STATE.users), "roles": sorted(STATE.roles),
                "tokens": sorted(STATE.tokens), "log": STATE.log,
                "jobs": {sid: job["cancelled"] for sid, job in STATE.jobs.items()},
                "searches": [job["search"] for job in STATE.jobs.values()],
                "requests": [job["request"] for job in STATE.jobs.values()],
            })  # fmt: skip

    def found(self, path: str, query: dict[str, list[str]], body: bytes) -> tuple[int, Any]:
        with STATE.lock:
            if path.startswith("/services/collector"):
                return self.collector(path, body, query)
            if path == "/services/auth/login":
                return self.login(query)
            user = self.user()
            if user is None:
                return 401, _told("call not properly authenticated")
            return self.rest(path, query, user)

    def user(self) -> str | None:
        kind, _, key = self.headers.get("Authorization", "").partition(" ")
        if kind == "Bearer":
            return "admin" if key == TOKEN else None
        return STATE.sessions.get(key)

    def login(self, query: dict[str, list[str]]) -> tuple[int, Any]:
        name = query.get("username", [""])[0]
        known = STATE.users.get(name)
        if known is None or known["password"] != query.get("password", [""])[0]:
            return 401, _told("Login failed")
        key = uuid.uuid4().hex
        STATE.sessions[key] = name
        return 200, {"sessionKey": key}

    # HEC

    def collector(self, path: str, body: bytes, query: dict[str, list[str]]) -> tuple[int, Any]:
        if not STATE.options["hec"]:
            return 404, {"text": "Not Found", "code": 404} if "health" not in path else {}
        if path.endswith("/health/1.0"):
            return 200, {"text": "HEC is healthy", "code": 17}
        token = self.headers.get("Authorization", "").removeprefix("Splunk ")
        if token not in STATE.tokens.values():
            return 403, {"text": "Invalid token", "code": 4}
        if path.endswith("/ack"):
            if not STATE.options["ack"]:
                return 400, {"text": "ACK is disabled", "code": 14}
            asked = json.loads(body)["acks"]
            if STATE.options["ack_delay"]:
                STATE.options["ack_delay"] -= 1
                return 200, {"acks": {str(one): False for one in asked}}
            return 200, {"acks": {str(one): STATE.acks.get(one, False) for one in asked}}
        if not body:
            return 400, {"text": "No data", "code": 5}
        if not self.headers.get("X-Splunk-Request-Channel"):
            return 400, {"text": "Data channel is missing", "code": 10}
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        if path.endswith("/raw"):
            told: dict[str, Any] = {name: values[0] for name, values in query.items()}
            events = [{**told, "fields": {}, "event": one} for one in body.decode().splitlines()]
        else:
            events = [json.loads(line) for line in body.decode().split("\n")]
        if any(one.get("index", "main") not in STATE.indexes for one in events):
            return 400, {"text": "Incorrect index", "code": 7}
        seen = time.monotonic() + STATE.options["index_delay"]
        STATE.events += [{**one, "seen": seen} for one in events]
        answer: dict[str, Any] = {"text": "Success", "code": 0}
        if STATE.options["ack"]:
            number = len(STATE.acks)
            STATE.acks[number] = True
            answer["ackId"] = number
        return 200, answer

    # REST

    def rest(self, path: str, query: dict[str, list[str]], user: str) -> tuple[int, Any]:
        if path == "/services/server/info":
            return 200, _entry("server-info", {"version": STATE.options["version"]})
        if path == "/services/messages":
            return 200, {"entry": []}
        if path == "/services/apps/local":
            there = sorted(one.name for one in Path("/opt/splunk/etc/apps").glob("*"))
            return 200, {
                "entry": [{"name": one, "content": {}} for one in there if one != STATE.hidden]
            }
        if path == "/services/authentication/current-context":
            names = ["search"] + (["delete_by_keyword"] if STATE.options["delete"] else [])
            return 200, _entry("context", {"capabilities": names})
        for pattern, store in (
            (r"^/services/data/indexes(?:/(.+))?$", "indexes"),
            (r"^/services/authorization/roles(?:/(.+))?$", "roles"),
            (r"^/services/authentication/users(?:/(.+))?$", "users"),
            (r"/data/inputs/http(?:/(.+))?$", "tokens"),
        ):
            if match := re.search(pattern, path):
                return self.things(store, match[1], query)
        if match := re.search(r"/search/(?:v2/)?jobs(?:/([^/]+))?(/.*)?$", path):
            return self.job(match[1], match[2] or "", query, user)
        return 404, _told("Not Found")

    def things(self, store: str, name: str | None, query: dict[str, list[str]]) -> tuple[int, Any]:
        held: Any = getattr(STATE, store)
        if store in ("roles", "users") and not STATE.options["roles"] and self.command == "POST":
            return 403, _told("you do not have permission")
        if self.command == "GET":
            if name is None:
                return 200, {"entry": [{"name": one, "content": {}} for one in sorted(held)]}
            if name not in held:
                return 404, _told("not found")
            inside = {"token": held[name]} if store == "tokens" else {}
            if store == "roles":
                inside = held[name]
            return 200, _entry(name, inside)
        if self.command == "DELETE":
            if name not in held:
                return 404, _told("not found")
            if store == "indexes":
                held.remove(name)
                STATE.events = [one for one in STATE.events if one.get("index") != name]
            else:
                del held[name]
            return 200, {}
        wanted = name or query["name"][0]
        if store == "indexes":
            if not STATE.options["create_index"]:
                return 403, _told("no permission")
            held.add(wanted)
        elif store == "tokens":
            if not STATE.options["token_create"]:
                return 403, _told("no permission")
            held[wanted] = uuid.uuid4().hex
        elif store == "roles":
            held[wanted] = query
            if "can_delete" in query.get("imported_roles", ()):
                STATE.options["delete"] = True
        else:
            known = held.get(wanted, {"password": query.get("password", [""])[0]})
            held[wanted] = {**known, "roles": query["roles"]}
        return 201, _entry(wanted, {})

    def job(
        self, sid: str | None, rest: str, query: dict[str, list[str]], user: str
    ) -> tuple[int, Any]:
        if sid is None and self.command == "GET":
            return 200, {
                "entry": [
                    {"name": job["search"], "content": {"sid": one}}
                    for one, job in STATE.jobs.items()
                    if not job["cancelled"]
                ]
            }
        if sid is None:
            sid = query.get("id", [uuid.uuid4().hex])[0]
            if sid in STATE.jobs:
                return 409, _told(f"sid {sid} already exists")
            text = query["search"][0]
            STATE.jobs[sid] = {
                "search": text, "cancelled": False, "polls": 0, "rows": self.run(text, user),
                "request": {name: values[0] for name, values in query.items()},
                "own": "harness_" in text or text.startswith("search index=* |"),
            }  # fmt: skip
            return 201, {"sid": sid}
        job = STATE.jobs.get(sid)
        if job is None or (job["cancelled"] and self.command == "GET"):
            return 404, _told("Unknown sid")
        if self.command == "DELETE" or rest == "/control":
            job["cancelled"] = True
            return 200, {}
        if rest == "/results":
            count, offset = int(query["count"][0]), int(query["offset"][0])
            page = job["rows"][offset : offset + count]
            names = dict.fromkeys(name for row in job["rows"] for name in row)
            fields = [{"name": name} for name in names]
            return 200, {"fields": fields, "results": page, "messages": []}
        job["polls"] += 1
        state = "DONE" if job["own"] else STATE.options["job_state"]
        if job["polls"] <= STATE.options["job_polls"]:
            state = "RUNNING"
        return 200, _entry(sid, {
            "dispatchState": state, "isDone": state == "DONE", "isFailed": state == "FAILED",
            "resultCount": len(job["rows"]), "runDuration": 0.01,
            "messages": [] if job["own"] else STATE.options["messages"],
        })  # fmt: skip

    def run(self, text: str, user: str) -> list[dict[str, Any]]:
        view = [one for one in STATE.events if one["seen"] <= time.monotonic()]
        for role in STATE.users[user]["roles"]:
            told = STATE.roles.get(role, {}).get("srchFilter", [""])[0]
            view = [one for one in view if _matches(one, told)]
        if text.endswith("| delete"):
            gone = [one for one in view if _matches(one, text)]
            STATE.events = [one for one in STATE.events if one not in gone]
            return []
        if text.endswith("stats count by harness_batch"):
            counts: dict[str, int] = {}
            for one in view:
                if _matches(one, text):
                    batch = one["fields"]["harness_batch"]
                    counts[batch] = counts.get(batch, 0) + 1
            return [{"harness_batch": one, "count": str(n)} for one, n in counts.items()]
        if named := re.fullmatch(r"search index=([\w-]+) \| stats count", text):
            return [{"count": str(sum(one.get("index") == named[1] for one in view))}]
        if "harness_" in text or text.startswith("search index=* |"):
            return [{"count": str(sum(_matches(one, text) for one in view))}]
        return STATE.rows if view else []


def _matches(event: dict[str, Any], text: str) -> bool:
    own = re.match(r"index=([\w-]+) OR ", text)
    if own and event.get("index") == own[1]:
        return True
    for negated, name, value in re.findall(r"(NOT \(?|OR )?(harness_\w+)::([\w*-]+)", text):
        is_it = re.fullmatch(value.replace("*", ".*"), str(event["fields"].get(name))) is not None
        if is_it == bool(negated):
            return False
    return True


def _told(text: str) -> dict[str, Any]:
    return {"messages": [{"type": "ERROR", "text": text}]}


def _entry(name: str, content: dict[str, Any]) -> dict[str, Any]:
    return {"entry": [{"name": name, "content": content}]}


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_: Any) -> None:
        pass


def serve(port: int, certificate: str | None) -> Server:
    server = Server(("0.0.0.0" if port else "127.0.0.1", port), Handler)
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    return server


def in_container(certificate: str) -> None:
    """As Splunk's image: its environment, its ports, its marker."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    STATE.users["admin"]["password"] = os.environ["SPLUNK_PASSWORD"]
    STATE.tokens["splunk_hec_token"] = os.environ["SPLUNK_HEC_TOKEN"]
    STATE.options["delete"] = False
    STATE.hidden = sys.argv[2] if len(sys.argv) > 2 else ""
    threading.Thread(target=serve(8088, certificate).serve_forever, daemon=True).start()
    management = serve(8089, certificate)
    print("Ansible playbook complete, will begin streaming", flush=True)
    management.serve_forever()


def main() -> None:
    certificate = sys.argv[1] if len(sys.argv) > 1 else None
    if certificate and "SPLUNK_PASSWORD" in os.environ:
        in_container(certificate)
        return
    server = serve(0, certificate)
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
