"""The fixtures of the server's tests; mypy cannot have two modules of this name."""

from server_process import served, stateful

__all__ = ["served", "stateful"]
