"""Authentication tokens: what a client shows as `Bearer` instead of a name and a password.

Splunk's are signed texts; here they are texts that nobody can guess, of which a digest is kept.
Source: Securing Splunk Enterprise, "Create authentication tokens".
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.server.accounts import digest
from harness.server.faults import Refusal, not_found

if TYPE_CHECKING:
    from harness.server.accounts import Accounts
    from harness.server.store import Store

FILE = "_tokens"
"""Where the store keeps them: no name of a conf file."""
MOST_KEYS = 5_000


@dataclass(slots=True)
class Key:
    """A token without its text; times are epoch seconds, and 0 for never."""

    id: str
    user: str
    audience: str
    proof: str
    made: int
    expires: int = 0
    begins: int = 0
    disabled: bool = False

    @property
    def counts(self) -> bool:
        """Whether it opens anything now."""
        now = time.time()
        return not self.disabled and self.begins <= now and not (0 < self.expires <= now)


class Keys:
    """The tokens of all users."""

    def __init__(self, store: Store, accounts: Accounts) -> None:
        self._store = store
        self._accounts = accounts
        told: dict[str, dict[str, str]] = {}
        for file, name, key, value in store.settings():
            if file == FILE and key:
                told.setdefault(name, {})[key] = value
        self._keys = {name: _read(name, said) for name, said in told.items()}

    def all(self) -> list[Key]:
        """The tokens of users that there are."""
        names = set(self._accounts.names())
        return [key for key in self._keys.values() if key.user in names]

    def named(self, key_id: str) -> Key:
        """A token by its id."""
        for key in self.all():
            if key.id == key_id:
                return key
        raise not_found(f"Could not find object id={key_id}")

    def create(self, user: str, audience: str, expires: int, begins: int) -> tuple[Key, str]:
        """A new token, and its text, which is never told again."""
        self._accounts.named(user)
        if len(self._keys) >= MOST_KEYS:
            raise Refusal(400, f"more than {MOST_KEYS} tokens")
        text = secrets.token_urlsafe(48)
        now = int(time.time())
        key = Key(secrets.token_hex(32), user, audience, digest(text).hex(), now, expires, begins)
        self._keep(key)
        return key, text

    def switch(self, key: Key, *, disabled: bool) -> None:
        """Let a token count, or not."""
        key.disabled = disabled
        self._keep(key)

    def remove(self, key: Key) -> None:
        """Remove a token."""
        self._store.keep_stanza(FILE, key.id, None)
        del self._keys[key.id]

    def user_of(self, text: str) -> str | None:
        """Whose token a text is, if it counts."""
        proof = digest(text).hex()
        for key in self.all():
            if secrets.compare_digest(key.proof, proof):
                return key.user if key.counts else None
        return None

    def _keep(self, key: Key) -> None:
        told = {
            "user": key.user,
            "audience": key.audience,
            "proof": key.proof,
            "made": str(key.made),
            "expires": str(key.expires),
            "begins": str(key.begins),
            "disabled": str(int(key.disabled)),
        }
        self._store.keep_stanza(FILE, key.id, told)
        self._keys[key.id] = key


def _read(name: str, told: dict[str, str]) -> Key:
    return Key(
        name,
        told["user"],
        told["audience"],
        told["proof"],
        int(told["made"]),
        int(told["expires"]),
        int(told["begins"]),
        told["disabled"] == "1",
    )
