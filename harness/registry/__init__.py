"""Commands and functions by name, found when they are first asked for."""

from harness.registry.commands import Command, command, command_names, find_command
from harness.registry.functions import (
    EvalFunction,
    StatsFunction,
    eval_function,
    eval_function_names,
    find_eval_function,
    find_stats_function,
    known_stats_function,
    stats_function,
    stats_function_names,
)

__all__ = [
    "Command",
    "EvalFunction",
    "StatsFunction",
    "command",
    "command_names",
    "eval_function",
    "eval_function_names",
    "find_command",
    "find_eval_function",
    "find_stats_function",
    "known_stats_function",
    "stats_function",
    "stats_function_names",
]
