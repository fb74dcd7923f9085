"""Writes the reference of the search language, `docs/spl/`, from docstrings and cases.

    python docs/generate_reference.py            write the pages
    python docs/generate_reference.py --check    fail where a page is not up to date

A command's page has its docstring (the syntax before the first colon or period, then what it
means, its limits and its sources) and every case of `tests/commands/<name>.yml` that gives rows
or an error. A family of functions has a page with each function's docstring and the cases of
`tests/functions/<family>.yml`. The index lists them, and what is not supported with the reason.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import json
import re
import sys
from functools import cache
from pathlib import Path
from typing import Any

from harness.model import Limits
from harness.model.documents import read_document
from harness.registry import command_names, find_command
from harness.registry.commands import SPLUNK_COMMANDS, Command
from harness.registry.functions import (
    SPLUNK_FUNCTIONS,
    eval_function_names,
    find_eval_function,
    find_stats_function,
    known_stats_function,
    stats_function_names,
)
from harness.registry.unsupported import UNSUPPORTED_COMMANDS
from harness.spl.pipeline import parse_pipeline
from harness.spl.source import Source, SplText

ROOT = Path(__file__).resolve().parent.parent
PAGES = ROOT / "docs" / "spl"
CASES = ROOT / "tests"
MARK = "<!-- Written by `make reference` from docstrings and cases: change those. -->"
SYNTAX_END = re.compile(r"(?<=[^\s.])[:.](?=\s|$)")
LONGEST = 400
"""Longer values are cut in the tables: the case holds the whole."""

ABOUT = """What of SPL is supported, as Splunk's documentation says it. Each example is a case
that is run in the tests, with its source. Whatever is not supported raises an error that points
at its place; nothing is left out silently."""

Case = dict[str, Any]


def pages() -> dict[str, str]:
    """Every page's text by its file name."""
    commands = _commands()
    families = _families()
    found = {f"{_file(names)}.md": _command_page(names, one) for one, names in commands.items()}
    found |= {f"functions-{name}.md": _family_page(name) for name in families}
    found["README.md"] = _index(commands, families)
    return found


def _commands() -> dict[type[Command], list[str]]:
    """The commands with all their names, the module's own name first."""
    found: dict[type[Command], list[str]] = {}
    for name in command_names():
        found.setdefault(_command(name), []).append(name)
    return {
        one: sorted(names, key=lambda name: (not one.__module__.endswith(f".{name}"), name))
        for one, names in sorted(found.items(), key=lambda pair: pair[1])
    }


def _command(name: str) -> type[Command]:
    text = SplText.of(Source(f"| {name}"))
    return find_command(parse_pipeline(text).stages[0])


def _file(names: list[str]) -> str:
    return names[0]


@cache
def _cases(folder: str, name: str) -> list[Case]:
    path = CASES / folder / f"{name}.yml"
    found: list[Case] = read_document(path).data if path.is_file() else []
    return found


def _paragraphs(document: str) -> list[str]:
    return [part.strip("\n") for part in document.split("\n\n") if part.strip()]


def _taken_apart(document: str) -> tuple[str, list[str]]:
    """A docstring as its syntax and the paragraphs of its meaning."""
    first, *others = _paragraphs(document) or [""]
    text = " ".join(first.split())
    end = SYNTAX_END.search(text)
    syntax, rest = (text[: end.start()], text[end.end() :].strip()) if end else (text, "")
    return syntax, [_sentence(rest), *others] if rest else others


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _meaning(paragraphs: list[str]) -> tuple[list[str], list[str]]:
    """What is meant, and its sources."""
    text, sources = [], []
    for one in paragraphs:
        about, mark, origin = one.partition("Source:")
        text += [_escaped(about.strip())] if about.strip() else []
        sources += [_escaped(f"Source: {' '.join(origin.split())}")] if mark else []
    return text, sources


def _escaped(text: str) -> str:
    """Prose in which angle brackets outside of code are no tags."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(
        part if part.startswith("`") else part.replace("<", "&lt;").replace("*", r"\*")
        for part in parts
    )


def _command_page(names: list[str], command: type[Command]) -> str:
    syntax, paragraphs = _taken_apart(inspect.getdoc(command) or "")
    meaning, sources = _meaning(paragraphs)
    cases = _cases("commands", command.__name__.lower())
    lines = [f"# {names[0]}", MARK, _summary(command.__module__) + "."]
    if len(names) > 1:
        others = ", ".join(f"`{name}`" for name in names[1:])
        lines.append(f"Other names: {others}.")
    lines += ["## Syntax", f"```\n{syntax}\n```", *meaning, *(f"_{one}_" for one in sources)]
    return _joined([*lines, *_examples(cases)])


def _summary(module: str) -> str:
    """A module's docstring after its name: `spath: fields out of JSON …`."""
    first = (importlib.import_module(module).__doc__ or "").strip().splitlines()[0]
    return _escaped(_sentence(first.partition(": ")[2] or first)).rstrip(".")


def _examples(cases: list[Case]) -> list[str]:
    lines: list[str] = []
    shown = [case for case in cases if "output" in case]
    if shown:
        lines.append("## Examples")
        for case in shown:
            lines += _example(case)
    failed = [case for case in cases if "error" in case]
    if failed:
        rows = [
            [_code(case["spl"]), _escaped(case["error"]).replace("|", r"\|")] for case in failed
        ]
        lines += ["## Errors", _table(["search", "error"], rows)]
    return lines


def _example(case: Case) -> list[str]:
    lines = [f"### {_escaped(_sentence(case['name']))}", f"```\n{case['spl'].strip()}\n```"]
    for name, text in case.get("app", {}).items():
        lines += [f"`{name}` of an app:", f"```\n{text.strip()}\n```"]
    for name, lookup in case.get("lookups", {}).items():
        lines += [f"The lookup `{name}`:", f"```\n{lookup['csv'].strip()}\n```"]
    if "locations" in case:
        rows = [[_code(net), _code(json.dumps(one))] for net, one in case["locations"].items()]
        lines += ["The database of locations:", _table(["network", "record"], rows)]
    for name, macro in case.get("macros", {}).items():
        lines.append(f"The macro {_code(name)} is {_code(macro['definition'])}.")
    told = [f"{key} is {_code(case[key])}" for key in ("now", "timezone") if key in case]
    if told:
        lines.append(f"{_sentence(', '.join(told))}.")
    if "events" in case:
        lines += ["Events:", _rows_table(case["events"])]
    elif "input" in case:
        lines += ["Input:", _rows_table(case["input"])]
    lines += ["Output:", _rows_table(case["output"]) if case["output"] else "no rows"]
    lines.append(f"_Source: {_escaped(case['source'])}_")
    if "note" in case:
        lines.append(f"_Note: {_escaped(case['note'])}_")
    return lines


def _rows_table(rows: list[dict[str, Any]]) -> str:
    names = list(dict.fromkeys(name for row in rows for name in row))
    if not names:
        return f"{len(rows)} without fields"
    return _table([_code(name) for name in names], [[_cell(row, n) for n in names] for row in rows])


def _table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(row: dict[str, Any], name: str) -> str:
    value = row.get(name)
    if value is None:
        return ""
    if isinstance(value, list):
        return "<br>".join(_code(one) for one in value)
    return _code(value)


def _code(value: object) -> str:
    """A value as code that a table can hold."""
    text = json.dumps(value) if value == "" or isinstance(value, bool) else str(value)
    text = text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
    text = "".join(one if one.isprintable() else {"\n": "⏎"}.get(one, "·") for one in text)
    text = text.replace("|", r"\|")
    if "`" in text:
        return f"`` {text} ``"
    return f"`{text}`"


def _families() -> list[str]:
    return sorted(path.stem for path in CASES.glob("functions/*.yml"))


def _functions(family: str) -> list[tuple[list[str], str]]:
    """The functions of a family that a person may call: names and docstring."""
    module = f"harness.functions.{family}"
    found: dict[str, list[str]] = {}
    for name in eval_function_names():
        function = find_eval_function(name)
        if function is not None and function.lower.__module__ == module:
            found.setdefault(inspect.getdoc(function.lower) or "", []).append(name)
    for name in stats_function_names():
        known = known_stats_function(name)
        if known.lower.__module__ == module:
            found.setdefault(inspect.getdoc(known.lower) or "", []).append(
                f"{name}NN" if known.parametrised else name
            )
    return [(names, document) for document, names in found.items()]


def _family_page(family: str) -> str:
    module = importlib.import_module(f"harness.functions.{family}")
    first, *others = _paragraphs(inspect.getdoc(module) or "")
    lines = [f"# Functions: {family.replace('_', ' ')}", MARK, _escaped(first)]
    meaning, sources = _meaning(others)
    lines += [*meaning, *(f"_{one}_" for one in sources)]
    functions = _functions(family)
    if functions:
        lines.append("## Functions")
    for names, document in functions:
        syntax, paragraphs = _taken_apart(document)
        about, origin = _meaning(paragraphs)
        lines.append(f"### {', '.join(names)}")
        lines += [f"```\n{syntax}\n```", *about, *(f"_{one}_" for one in origin)]
    return _joined([*lines, *_examples(_cases("functions", family))])


def _index(commands: dict[type[Command], list[str]], families: list[str]) -> str:
    rows = [
        [", ".join(f"[{name}]({_file(names)}.md)" for name in names), _summary(one.__module__)]
        for one, names in commands.items()
    ]
    known = set(command_names())
    later = sorted(SPLUNK_COMMANDS - known - UNSUPPORTED_COMMANDS.keys())
    lines = [
        "# The search language",
        MARK,
        ABOUT,
        "## Commands",
        _table(["command", "what it gives"], rows),
        "## Functions",
    ]
    listed = []
    for family in families:
        names = [f"`{name}`" for group, _ in _functions(family) for name in group]
        listed.append(
            [
                f"[{family.replace('_', ' ')}](functions-{family}.md)",
                ", ".join(names) or "those of commands",
            ]
        )
    lines.append(_table(["family", "functions"], listed))
    limits = [[f"`{one.name}`", f"{one.default:,}"] for one in dataclasses.fields(Limits)]
    lines += ["## Limits", *_paragraphs(inspect.getdoc(Limits) or "")]
    lines += [_table(["limit", "default"], limits)]
    lines += ["## Commands that are not supported", *_left_out(later)]
    functions = sorted(
        name
        for name in SPLUNK_FUNCTIONS - set(eval_function_names())
        if find_eval_function(name) is None and find_stats_function(name) is None
    )
    if functions:
        missing = ", ".join(f"`{name}`" for name in functions)
        lines += ["## Functions that are not supported", f"{missing}."]
    return _joined(lines)


def _left_out(later: list[str]) -> list[str]:
    rows = [[f"`{name}`", _escaped(why)] for name, why in sorted(UNSUPPORTED_COMMANDS.items())]
    lines = [_table(["command", "why"], rows)]
    if later:
        lines.append(f"Not yet: {', '.join(f'`{name}`' for name in later)}.")
    return lines


def _joined(lines: list[str]) -> str:
    return "\n\n".join(lines) + "\n"


def outdated(folder: Path = PAGES) -> list[str]:
    """The names of pages that are missing, differ, or should not be there."""
    wanted = pages()
    there = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.md")}
    return sorted(
        name for name in wanted.keys() | there.keys() if wanted.get(name) != there.get(name)
    )


def write(folder: Path = PAGES) -> None:
    """Write every page, and remove those of what is no longer there."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = pages()
    for path in folder.glob("*.md"):
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    if "--check" in sys.argv[1:]:
        if old := outdated():
            sys.exit(f"not up to date, run `make reference`: {', '.join(old)}")
    else:
        write()
