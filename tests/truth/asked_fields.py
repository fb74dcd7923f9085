"""Which fields real detections ask of which source types, and whether the built-in apps have them.

A detection is compiled over the kinds of events that its data sources name; what the plan then
asks of each kind, before anything is extracted, is what it uses.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from measure import DATA_SOURCES, shown

from harness.errors import HarnessError
from harness.fields.defaults import DEFAULTS
from harness.fields.resolver import FieldResolver, Group
from harness.plan.expressions import Expr, demands
from harness.trials import Project, Settings
from harness.trials.checking import Checker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.apps import Apps

CONTENT = DATA_SOURCES.parent
REASONS = Path(__file__).resolve().parent / "field_reasons.yml"
ALWAYS = frozenset(
    {"_raw", "_time", "host", "source", "sourcetype", "index", "eventtype", "tag", *DEFAULTS}
)


def asked(done: Any = lambda: None) -> dict[tuple[str, str], dict[str, set[str]]]:
    """Field by (source, source type): the names of the detections that ask for it."""
    found: dict[tuple[str, str], dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    current = ""
    original = FieldResolver.resolve

    def resolve(self: FieldResolver, wanted: frozenset[Any], predicate: Expr) -> Any:
        for group in self.surviving(predicate):
            for name in wanted | demands(predicate):
                if isinstance(name, str):
                    found[group.source, group.sourcetype][name].add(current)
        return original(self, wanted, predicate)

    project = Project(Settings(content=CONTENT))
    checker = Checker(project)
    FieldResolver.resolve = resolve  # type: ignore[method-assign]
    try:
        for path in project.content.detection_paths:
            current = path.stem
            try:
                checker._check(path)
            except HarnessError:
                continue
            finally:
                done()
    finally:
        FieldResolver.resolve = original  # type: ignore[method-assign]
    return found


def in_events() -> dict[str, set[str]]:
    """The names in the data sources' lists and events, by source type in small letters."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in sorted(DATA_SOURCES.glob("*.yml")):
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        key = str(document.get("sourcetype")).casefold()
        found[key] |= set(document.get("fields") or ())
        found[key] |= set(shown((document.get("example_log") or "").strip()))
    return found


def given(apps: Apps, source: str, sourcetype: str) -> set[str]:
    """What the apps make of such events, without what only the events know."""
    resolver = FieldResolver(apps, None, (), lambda _: (None, None))  # type: ignore[arg-type,return-value]
    group = Group(0, "main", source, sourcetype)
    known = apps.props_for(source, sourcetype)
    names = {alias.target for alias in known.aliases} | {one.field for one in known.calculated}
    names |= {new for one in known.lookups for _, new in one.outputs}
    for one in resolver.extractors(group):
        names |= set(one.names())
    return names


def lacking(
    apps: Apps, fields_by_kind: dict[tuple[str, str], dict[str, set[str]]]
) -> Iterator[tuple[str, str, list[str]]]:
    """Source type, field and detections of what no app makes and no event shows."""
    events = in_events()
    for (source, sourcetype), fields in sorted(fields_by_kind.items()):
        known = ALWAYS | given(apps, source, sourcetype) | events[sourcetype.casefold()]
        for name in sorted(fields.keys() - known):
            if not name.startswith(("tag::", "_")):
                yield sourcetype, name, sorted(fields[name])


def reasons() -> dict[str, dict[str, str]]:
    """The reason for a field's lack, by source type and name; `*` ends a name of many."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for entry in yaml.safe_load(REASONS.read_text(encoding="utf-8")):
        for sourcetype, names in entry["fields"].items():
            found[sourcetype].update(dict.fromkeys(map(str, names), entry["reason"]))
    return found


def reason_for(sourcetype: str, name: str, known: dict[str, dict[str, str]]) -> str | None:
    """The reason, if the list has one."""
    for pattern, reason in known.get(sourcetype, {}).items():
        if name == pattern or (pattern.endswith("*") and name.startswith(pattern[:-1])):
            return reason
    return None
