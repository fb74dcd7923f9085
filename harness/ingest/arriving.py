"""An event on its way into an index."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Arriving:
    """An event before it is indexed; `fields` are those that the index will hold of it."""

    raw: str
    time: float | None
    index: str
    source: str
    sourcetype: str
    host: str
    queue: str = ""
    fields: dict[str, Any] = field(default_factory=dict)

    @property
    def meta(self) -> str | None:
        """The indexed fields as one JSON text, or None."""
        return json.dumps(self.fields, ensure_ascii=False) if self.fields else None

    def add(self, name: str, value: str) -> None:
        """Give an indexed field a value, beside those that it has."""
        before = self.fields.get(name)
        if before is None:
            self.fields[name] = value
        elif isinstance(before, list):
            before.append(value)
        else:
            self.fields[name] = [before, value]

    def set_time(self, value: object) -> None:
        """Set the time to epoch seconds; what is no number leaves it as it is."""
        try:
            time = float(str(value))
        except ValueError:
            return
        if math.isfinite(time):
            self.time = time
