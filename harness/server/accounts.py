"""Who is asking: users with their passwords, and sessions that expire.

Of a secret only what proves it is kept: a digest of keys that nobody can guess, and a slow,
salted one of passwords. Both are compared in constant time.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from harness.server.faults import Refusal, not_found

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.server.store import Store

SESSION_SECONDS = 3600.0
MOST_SESSIONS = 10_000
MOST_USERS = 5_000
LEAST_PASSWORD, MOST_PASSWORD = 8, 1_000
USERS = "_users"
"""Where the store keeps users: no name of a conf file, so the conf endpoints cannot show it."""
USER_NAME = re.compile(r"[^\s/:;,\"'&<>\x00-\x1f\x7f]{1,100}")
PASSWORD = "password"  # noqa: S105 - the name of a key
COST = {"n": 2**14, "r": 8, "p": 1}


@dataclass(slots=True)
class Session:
    """Whose session it is, and when it was last used."""

    user: str
    used: float


def digest(secret: str) -> bytes:
    """What is kept of a secret that cannot be guessed."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def same(secret: str, kept: bytes) -> bool:
    """Whether a secret is the one that was kept, in a time that says nothing of it."""
    return hmac.compare_digest(digest(secret), kept)


def sealed(password: str) -> str:
    """What is kept of a password: the salt, and what it and the password come to."""
    salt = secrets.token_bytes(16)
    return f"{salt.hex()}${_stretched(password, salt).hex()}"


def _stretched(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode("utf-8", "surrogatepass"), salt=salt, **COST)


def opens(password: str, kept: str) -> bool:
    """Whether a password is the one that was sealed."""
    salt, _, found = kept.partition("$")
    return hmac.compare_digest(
        _stretched(password, bytes.fromhex(salt)), bytes.fromhex(found or "00")
    )


class Accounts:
    """The users, the first of whom the server was started with, and their sessions."""

    def __init__(
        self, user: str, password: str, store: Store, lasts: float = SESSION_SECONDS
    ) -> None:
        self.administrator = user
        self._store = store
        self._lasts = lasts
        self._sessions: dict[bytes, Session] = {}
        self._secret = secrets.token_bytes(32)
        self._proven: dict[str, bytes] = {user: self._proof(password)}
        self._users: dict[str, dict[str, str]] = {}
        for file, name, key, value in store.settings():
            if file == USERS:
                told = self._users.setdefault(name, {})
                if key:
                    told[key] = value
        self._users.setdefault(user, {}).update(roles="admin")
        self._users[user].pop(PASSWORD, None)

    # Users

    def names(self) -> list[str]:
        """The names of the users."""
        return sorted(self._users)

    def named(self, name: str) -> Mapping[str, str]:
        """What is known of a user; Refusal where there is none."""
        found = self._users.get(name.lower(), self._users.get(name))
        if found is None:
            raise not_found(f"Could not find object id={name}")
        return found

    def roles(self, name: str) -> tuple[str, ...]:
        """The roles that a user has."""
        told = self._users.get(name, {}).get("roles", "")
        return tuple(one for one in told.split(";") if one)

    def create(self, name: str, password: str, told: Mapping[str, str]) -> None:
        """Make a user. Names are the same in capitals and in small letters."""
        if USER_NAME.fullmatch(name) is None:
            raise Refusal(400, "a user needs a name without spaces and separators")
        if name.lower() in {one.lower() for one in self._users}:
            raise Refusal(409, f"User with name={name} already exists")
        if len(self._users) >= MOST_USERS:
            raise Refusal(400, f"more than {MOST_USERS} users")
        _check(password)
        self._keep(name.lower(), {**told, PASSWORD: sealed(password)})

    def change(self, name: str, password: str, told: Mapping[str, str]) -> None:
        """Change what is known of a user; a new password ends the sessions."""
        kept = dict(self.named(name))
        if name == self.administrator and (password or told.get("roles", "admin") != "admin"):
            raise Refusal(400, f"the server is started with the password and role of {name}")
        if password:
            _check(password)
            kept[PASSWORD] = sealed(password)
            self._end(name)
        self._keep(name, {**kept, **told})

    def remove(self, name: str) -> None:
        """Remove a user with the sessions."""
        self.named(name)
        if name == self.administrator:
            raise Refusal(400, f"{name} cannot be deleted")
        self._store.keep_stanza(USERS, name, None)
        del self._users[name]
        self._end(name)

    def without_role(self, role: str) -> None:
        """Take a role that is no more from those who have it."""
        for name in self.names():
            kept = self.roles(name)
            if role in kept:
                rest = ";".join(one for one in kept if one != role)
                self._keep(name, {**self._users[name], "roles": rest})

    def _keep(self, name: str, told: dict[str, str]) -> None:
        self._store.keep_stanza(USERS, name, told)
        self._users[name] = told

    def _end(self, name: str) -> None:
        self._proven.pop(name, None)
        self._sessions = {key: one for key, one in self._sessions.items() if one.user != name}

    # Proofs

    def _proof(self, password: str) -> bytes:
        return hmac.digest(self._secret, password.encode("utf-8", "surrogatepass"), "sha256")

    def knows(self, user: str, password: str) -> str | None:
        """Whose name and password these are; slow only for a password that was not used yet."""
        name = user if user == self.administrator else user.lower()
        if name not in self._users or len(password) > MOST_PASSWORD:
            opens(password[:MOST_PASSWORD], _nobody())
            return None
        proof = self._proof(password)
        if hmac.compare_digest(self._proven.get(name, b""), proof):
            return name
        kept = self._users[name].get(PASSWORD, "")
        if not opens(password, kept or _nobody()) or not kept:
            return None
        self._proven[name] = proof
        return name

    def login(self, user: str, password: str) -> str | None:
        """A new session's key; None where the name or the password is wrong."""
        name = self.knows(user, password)
        if name is None:
            return None
        now = time.monotonic()
        if len(self._sessions) >= MOST_SESSIONS:
            self._expire(now)
        while len(self._sessions) >= MOST_SESSIONS:
            del self._sessions[next(iter(self._sessions))]
        key = secrets.token_urlsafe(48)
        self._sessions[digest(key)] = Session(name, now)
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


@cache
def _nobody() -> str:
    """A password that nobody has: asking for a user that is not there takes as long."""
    return sealed(secrets.token_hex(16))


def _check(password: str) -> None:
    if not LEAST_PASSWORD <= len(password) <= MOST_PASSWORD:
        raise Refusal(400, f"a password has {LEAST_PASSWORD} to {MOST_PASSWORD} characters")
