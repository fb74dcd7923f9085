"""Who may do what: the password, sessions that expire, and roles.

Only digests of secrets are kept, and compared in constant time.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass

SESSION_SECONDS = 3600.0
MOST_SESSIONS = 10_000


@dataclass(slots=True)
class Session:
    """Whose session it is, and when it was last used."""

    user: str
    used: float


def digest(secret: str) -> bytes:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def same(secret: str, kept: bytes) -> bool:
    """Whether a secret is the one that was kept, in a time that says nothing of it."""
    return hmac.compare_digest(digest(secret), kept)


class Accounts:
    """The one account of the server, and its sessions."""

    def __init__(self, user: str, password: str, lasts: float = SESSION_SECONDS) -> None:
        self.user = user
        self._password = digest(password)
        self._lasts = lasts
        self._sessions: dict[bytes, Session] = {}

    def knows(self, user: str, password: str) -> bool:
        """Whether the name and the password are right."""
        named = hmac.compare_digest(digest(user), digest(self.user))
        return same(password, self._password) and named

    def login(self, user: str, password: str) -> str | None:
        """A new session's key; None where the name or the password is wrong."""
        if not self.knows(user, password):
            return None
        now = time.monotonic()
        if len(self._sessions) >= MOST_SESSIONS:
            self._expire(now)
        while len(self._sessions) >= MOST_SESSIONS:
            del self._sessions[next(iter(self._sessions))]
        key = secrets.token_urlsafe(48)
        self._sessions[digest(key)] = Session(user, now)
        return key

    def _expire(self, now: float) -> None:
        self._sessions = {
            kept: one for kept, one in self._sessions.items() if now - one.used < self._lasts
        }

    def user_of(self, key: str) -> str | None:
        """Whose session a key is, if it has not expired; this use counts."""
        kept = digest(key)
        session = self._sessions.get(kept)
        now = time.monotonic()
        if session is None:
            return None
        if now - session.used >= self._lasts:
            del self._sessions[kept]
            return None
        session.used = now
        return session.user

    def logout(self, key: str) -> None:
        """End a session."""
        self._sessions.pop(digest(key), None)
