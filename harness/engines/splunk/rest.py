"""Splunk's REST interface: sessions that are renewed, and answers that mean something."""

from __future__ import annotations

import json
import threading
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from xml.parsers import expat

from harness.replay import (
    Denied,
    Forbidden,
    NoAnswer,
    Rejected,
    SplunkFault,
    Transport,
    Uncertain,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.engines.splunk.address import Address
    from harness.replay.transport import Answer

TRIES = 4
FIRST_WAIT = 0.1
BUSY = (502, 503, 504)
MAX_LOGIN_ANSWER = 100_000


class Rest:
    """One user of one instance; may be used by several threads."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self.transport = Transport(address.url, address.tls, read_seconds=address.timeout)
        self.over: SplunkFault | None = None
        """Why nothing will ever be answered again, once that is known."""
        self._session: str | None = None
        self._ahead: float | None = None
        self._lock = threading.Lock()

    def get(self, path: str, **params: Any) -> dict[str, Any]:
        """What is at a path; asked again where the connection ended."""
        return self._repeated("GET", path, params=params)

    def clock_difference(self) -> float:
        """How many seconds the instance's clock is ahead of this machine's, by its `Date`."""
        if self._ahead is None:
            self.get("/services/server/info")
        return self._ahead or 0.0

    def post(self, path: str, *, repeatable: bool = False, **data: Any) -> dict[str, Any]:
        """Change something; only asked again where nothing can have been done, or may be twice."""
        return self._repeated("POST", path, data=data, repeatable=repeatable)

    def create(self, path: str, name: str, **data: Any) -> None:
        """Make something whose name nobody else uses: if it is there, an earlier try made it."""
        try:
            self.post(path, repeatable=True, name=name, **data)
        except Rejected as error:
            if error.status not in (400, 409) or not self.has(f"{path}/{part(name)}"):
                raise

    def has(self, path: str) -> bool:
        """Whether there is something at a path."""
        try:
            self.get(path)
        except Rejected as error:
            if error.status != 404:
                raise
            return False
        return True

    def delete(self, path: str) -> None:
        """Remove what is at a path; what is not there any more is no fault."""
        try:
            self._repeated("DELETE", path, read=False)
        except Rejected as error:
            if error.status != 404:
                raise

    def _repeated(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        data: Mapping[str, Any] | None = None,
        repeatable: bool = True,
        read: bool = True,
    ) -> dict[str, Any]:
        renewed = False
        attempt = 0
        if self.over is not None:
            raise self.over
        while True:
            key = self._authorization()
            try:
                answer = self.transport.request(
                    method,
                    path,
                    headers={"Authorization": key},
                    params={"output_mode": "json", **(params or {})},
                    data=data,
                )
                self._date(answer)
                if answer.status == 401 and self._renewed(key) and not renewed:
                    renewed = True
                    continue
                if answer.status not in BUSY:
                    judged = _judged(answer, path)
                    return self._json(judged) if read else {}
                fault: SplunkFault = Rejected(
                    f"{path}: the instance is busy (HTTP {answer.status}): {_messages(answer)}",
                    status=answer.status,
                )
            except NoAnswer as error:
                fault = error
            except Uncertain as error:
                if not repeatable and method != "GET":
                    raise
                fault = error
            attempt += 1
            if attempt >= TRIES:
                raise fault
            time.sleep(FIRST_WAIT * 3**attempt)

    def _date(self, answer: Answer) -> None:
        """Learn how far the instance's clock is at least ahead, by the date of an answer."""
        told = next((v for k, v in answer.headers.items() if k.lower() == "date"), "")
        try:
            ahead = parsedate_to_datetime(told).timestamp() - time.time()
        except (ValueError, TypeError):
            return
        self._ahead = ahead if self._ahead is None else max(ahead, self._ahead)

    def _authorization(self) -> str:
        if self.address.token:
            return f"Bearer {self.address.token}"
        with self._lock:
            if self._session is None:
                self._session = self._logged_in()
            return f"Splunk {self._session}"

    def _renewed(self, key: str) -> bool:
        """Forget a session that has expired; False where there is nothing to renew."""
        if self.address.token:
            return False
        with self._lock:
            if key == f"Splunk {self._session}":
                self._session = None
        return True

    def _logged_in(self) -> str:
        told = {
            "username": self.address.user,
            "password": self.address.password or "",
            "output_mode": "json",
        }
        attempt = 0
        while True:
            attempt += 1
            try:
                answer = self.transport.request("POST", "/services/auth/login", data=told)
                if answer.status not in BUSY or attempt == TRIES:
                    break
            except (NoAnswer, Uncertain):
                if attempt == TRIES:
                    raise
            time.sleep(FIRST_WAIT * 3**attempt)
        if answer.status in BUSY:
            raise Rejected(
                f"{self.address.url} is busy (HTTP {answer.status}): {_messages(answer)}",
                status=answer.status,
                hints=("is it still starting?",),
            )
        if answer.status in (400, 401, 403):
            raise Denied(
                f"{self.address.url} does not let `{self.address.user}` in: {_messages(answer)}",
                hints=["is HARNESS_SPLUNK_PASSWORD right, and --splunk-user?"],
            )
        key = _session_key(answer) if answer.status == 200 else None
        if not key:
            raise Rejected(
                f"{self.address.url} is no Splunk's REST port: HTTP {answer.status}",
                status=answer.status,
                hints=("the port is 8089 where nobody changed it",),
            )
        return key

    def _json(self, answer: Answer) -> dict[str, Any]:
        if not answer.body.strip():
            return {}
        try:
            found = json.loads(answer.body)
        except ValueError as error:
            raise Uncertain(f"{self.address.url} sent no JSON: {answer.text[:200]!r}") from error
        return found if isinstance(found, dict) else {}

    def close(self) -> None:
        """Close the connections."""
        self.transport.close()


def part(name: str) -> str:
    """A name as a part of a path."""
    return quote(name, safe="")


def entries(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The entries of a listing."""
    found = answer.get("entry")
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def content(answer: Mapping[str, Any]) -> dict[str, Any]:
    """The content of the one entry."""
    found = entries(answer)
    inside = found[0].get("content") if found else None
    return inside if isinstance(inside, dict) else {}


def _judged(answer: Answer, path: str) -> Answer:
    if answer.status < 300:
        return answer
    told = f"{path}: HTTP {answer.status}: {_messages(answer)}"
    if answer.status == 401:
        raise Denied(told, hints=["has the token expired, or been revoked?"])
    if answer.status in (402, 403):
        raise Forbidden(told, hints=["the user lacks a capability: see docs/splunk.md"])
    raise Rejected(told, status=answer.status)


def _messages(answer: Answer) -> str:
    try:
        found = json.loads(answer.body).get("messages", [])
        texts = [str(one.get("text", "")) for one in found if isinstance(one, dict)]
    except (ValueError, AttributeError):
        texts = []
    return "; ".join(texts) or answer.text[:200].strip() or "nothing was said"


def _session_key(answer: Answer) -> str | None:
    """The session's key: of JSON, or of the XML that old servers answer with."""
    try:
        found = json.loads(answer.body)
        key = found.get("sessionKey") if isinstance(found, dict) else None
        return str(key) if key else None
    except ValueError:
        pass
    texts: list[str] = []
    inside: list[str] = []
    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda name, _: inside.append(name)
    parser.EndElementHandler = lambda _: inside.pop()
    parser.CharacterDataHandler = lambda text: (
        texts.append(text) if inside[-1:] == ["sessionKey"] else None
    )

    def refuse(*_: Any) -> None:
        raise ValueError("a document type in an answer")

    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(answer.body[:MAX_LOGIN_ANSWER], True)
    except (expat.ExpatError, ValueError):
        return None
    return "".join(texts) or None
