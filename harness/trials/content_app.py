"""What a Splunk has to know to run a project's detections: its apps, and its content as an app.

Content's macros and lookups lie in YAML; a Splunk reads them from an app. The filter macros that
nobody defined are written as what content tools make of them: `search *`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.content import filter_macro_default
from harness.engines.splunk.app_files import AppFiles

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.model import LookupDefinition, Macro
    from harness.trials.project import Project

NAME = "SA_harness_content"
CALLED = re.compile(rb"`([A-Za-z0-9_]+_filter)`")
APP_CONF = (
    "[launcher]\nversion = 1.0.0\ndescription = Macros and lookups of a content folder\n"
    "[ui]\nis_visible = false\nlabel = Content of the detection harness\n"
    "[package]\nid = SA_harness_content\ncheck_for_updates = false\n"
)
META = "[]\naccess = read : [ * ], write : [ admin ]\nexport = system\n"


def app_folders(project: Project) -> list[AppFiles]:
    """The apps that a project's searches need, Splunk's own defaults left out."""
    folders = [AppFiles(one.name, one.root) for one in project.apps.folders if one.name != "system"]
    return [*folders, content_app(project)]


def content_app(project: Project) -> AppFiles:
    """The content's macros and lookups as an app."""
    files: dict[str, bytes] = {}
    stanzas = [_lookup(one, files) for one in project.content.lookups.values()]
    files |= {
        "default/app.conf": APP_CONF.encode(),
        "default/macros.conf": "\n".join(map(_stanza, _macros(project))).encode(),
        "default/transforms.conf": "\n".join(one for one in stanzas if one).encode(),
        "metadata/default.meta": META.encode(),
    }
    return AppFiles(NAME, made=files)


def _macros(project: Project) -> Iterator[Macro]:
    known = {name for name, _ in (*project.content.macros, *project.apps.macros)}
    yield from project.content.macros.values()
    called: set[str] = set()
    for path in project.content.detection_paths:
        called |= {one.decode() for one in CALLED.findall(path.read_bytes())}
    for name in sorted(called - known):
        found = filter_macro_default(name)
        if found is not None:
            yield found


def _stanza(macro: Macro) -> str:
    count = len(macro.arguments)
    name = f"{macro.name}({count})" if count else macro.name
    lines = [f"[{name}]", f"definition = {_continued(macro.definition)}"]
    if count:
        lines.append(f"args = {', '.join(macro.arguments)}")
    if macro.is_eval:
        lines.append("iseval = 1")
    return "\n".join(lines) + "\n"


def _lookup(lookup: LookupDefinition, files: dict[str, bytes]) -> str:
    if lookup.table is None:
        return ""
    files[f"lookups/{lookup.table.name}"] = lookup.table.read_bytes()
    lines = [
        f"[{lookup.name}]",
        f"filename = {lookup.table.name}",
        f"case_sensitive_match = {str(lookup.case_sensitive).lower()}",
        f"min_matches = {lookup.min_matches}",
        f"max_matches = {lookup.max_matches}",
    ]
    if lookup.default_match is not None:
        lines.append(f"default_match = {_continued(lookup.default_match)}")
    if lookup.match_types:
        kinds = ", ".join(f"{kind.upper()}({name})" for kind, name in lookup.match_types)
        lines.append(f"match_type = {kinds}")
    return "\n".join(lines) + "\n"


def _continued(text: str) -> str:
    """A value over several lines: a backslash ends each but the last."""
    return "\\\n".join(line.rstrip("\\") for line in text.strip().splitlines())
