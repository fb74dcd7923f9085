"""Writes docs/apps.md from the table of settings in `harness/apps/specification.py`.

python docs/generate_apps_reference.py            write the page
python docs/generate_apps_reference.py --check    fail where it is not up to date
"""

from __future__ import annotations

import sys
from pathlib import Path

from harness.apps.archives import BOUNDS, SUFFIXES
from harness.apps.specification import ANY, Known, files, known_settings

PAGE = Path(__file__).resolve().parent / "apps.md"
MARK = "<!-- Written by `make reference` from harness/apps/specification.py: change that. -->"
WORDS = {
    "supported": "Supported",
    "ignored": "Without effect here",
    "refused": "Refused: using it is an error that says so",
}
ABOUT = f"""A Splunk app is the unit of knowledge: field extraction, event types, tags, lookups,
macros, data models and saved searches come from apps, in Splunk's own layout. Some are
built in (`harness/builtin/`); `--app PATH` adds others, and can be repeated. PATH is
the folder of an app, or an archive ({", ".join(f"`{one}`" for one in SUFFIXES)}) that
holds an app's files at its top or the folders of one or more apps. An archive is
unpacked once into the cache folder, named by the hash of its content. One is refused
that would write outside of its folder, holds links or devices, has more than
{BOUNDS.max_entries:,} entries, or unpacks to more than
{BOUNDS.max_unpacked_bytes // 2**30} GiB or {BOUNDS.max_ratio} times its size. Nothing
in an app is ever run.

`harness apps list` names the loaded apps and how much each holds; `harness apps show NAME`
shows all that one holds, which setting counts where two files disagree and why, and what has
no effect here, each with the reason, the file and the line: also extractions, calculated fields,
lookups and event types that cannot be applied, whatever the events are.

Where files disagree, `local/` counts over `default/`, and of two apps the one whose name comes
last in ASCII order, as Splunk has it for searches; an app that is given counts over the built-in
ones, whatever they are called, and where an add-on is given that a built-in one stands in for
(`harness/builtin/system/default/add_ons.conf`), the built-in one is left out. Only what an app
exports (`metadata/default.meta`, `export = system`) counts outside of it; one without any metadata
counts, with a warning. An app with `[install] state
= disabled` does not count at all. A setting that its specification does not have is warned of
with the nearest name, and is not read.

A saved search is a detection that runs in its app, whose settings then count over all others,
exported or not: `harness run NAME --app PATH --data FILE` runs it over its own time range
(`--earliest 0` over all), with its risk action, its notables, its trigger and its throttling;
`harness check --app PATH` compiles all of them; `| savedsearch NAME` runs one inside a search.
What of one cannot be honoured is a warning that names the setting.

A KV store collection is a table: `lookups/<collection>.csv` (or the lookup's own name) is its
seed, and without one it is empty. What a search writes into a lookup stays in its trial.

## Built-in apps

`make appinspect` runs Splunk's own checks over them. An app needs in `default/app.conf`:
`[package] id` and `[id] name` with the folder's name, `check_for_updates = false`, the same
`version` under `[launcher]` and `[id]`, `[launcher] author` and `description`, `[ui] label`
and `is_visible = false`; and a `metadata/default.meta` that exports all and lets `admin` and
`sc_admin` write."""


def page() -> str:
    """The whole page."""
    parts = [MARK, "# Splunk apps", ABOUT]
    for file in files():
        parts.append(f"## {file}")
        known = known_settings(file)
        for status, heading in WORDS.items():
            rows = [one for one in known if one.status == status]
            if rows:
                parts += [f"{heading}:", _table(rows)]
    return "\n\n".join(parts) + "\n"


def _table(rows: list[Known]) -> str:
    """Settings by what is said of them, each reason once."""
    by_reason: dict[str, list[str]] = {}
    for one in rows:
        shown = "all others" if one.key == ANY else f"`{one.key}`"
        by_reason.setdefault(one.why, []).append(shown)
    lines = ["| settings | what or why |", "|---|---|"]
    lines += [f"| {', '.join(keys)} | {why} |" for why, keys in by_reason.items()]
    return "\n".join(lines)


def is_outdated() -> bool:
    """Whether the page is not what would be written now."""
    return not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != page()


def main() -> int:
    """Write the page, or check it."""
    if "--check" in sys.argv[1:]:
        return int(is_outdated())
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
