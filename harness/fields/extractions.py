"""From the settings of a source type to what takes its fields out of events."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.apps import Origin
from harness.errors import HarnessError, Unsupported
from harness.fields.extractors import (
    Automatic,
    Broken,
    Delimited,
    DelimitedPairs,
    Extractor,
    Groups,
    Indexed,
    Pairs,
)
from harness.fields.patterns import NAMED, BadExtraction, Shape, inline, placed, shape
from harness.fields.tables import Tabular, over_whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.apps import Extract, SourceKnowledge, Transform

GROUP = re.compile(r"\$(\d+)")
KEY, VALUE = "_KEY_", "_VAL_"


@dataclass(frozen=True, slots=True)
class Extraction:
    """An extractor with the setting that asks for it, and the transform that it is in."""

    extractor: Extractor
    origin: Origin
    transform: str = ""


INDEXED = Extraction(Indexed(), Origin("index time"))
"""What was made when the event was indexed: it counts before all that a search takes out."""


def extractions(knowledge: SourceKnowledge, *, tabular: bool = False) -> tuple[Extraction, ...]:
    """All extractions of a source type in Splunk's order: EXTRACT, REPORT, KV_MODE.

    Before them come the fields of INDEXED_EXTRACTIONS = json, which are in the text as well.

    Where the events are rows of tables, these are `tabular`.
    """
    found = [*_indexed(knowledge)]
    found += [Extraction(_extract(extract), extract.origin) for extract in knowledge.extracts]
    for report in knowledge.reported:
        found += [
            Extraction(extractor, report.origin, report.transform.name)
            for extractor in transform_extractors(report.transform)
        ]
    if tabular:
        cells = Extraction(Tabular(), knowledge.automatic.origin)
        return (cells, *(replace(one, extractor=over_whole(one.extractor)) for one in found))
    found += [Extraction(one, knowledge.automatic.origin) for one in _automatic(knowledge)]
    return tuple(found)


def _indexed(knowledge: SourceKnowledge) -> Iterator[Extraction]:
    kind = knowledge.settings.get("INDEXED_EXTRACTIONS", "")
    if kind.strip().lower() == "json" and knowledge.automatic.mode != "json":
        yield Extraction(Automatic("json"), knowledge.origins["INDEXED_EXTRACTIONS"])


def _automatic(knowledge: SourceKnowledge) -> Iterator[Extractor]:
    automatic = knowledge.automatic
    if automatic.mode in ("xml", "json"):
        yield Automatic(automatic.mode)
    elif automatic.mode in ("auto", "auto_escaped"):
        yield Automatic(automatic.mode, trims=automatic.trims)
        if automatic.json:
            yield Automatic("json")
    elif automatic.table:
        what = f"KV_MODE = multi:{automatic.table}: the tables that multikv.conf describes"
        yield Broken(Unsupported(what, place=automatic.origin.place))


def _extract(extract: Extract) -> Extractor:
    try:
        found = shape(inline(extract.regex))
        if not found.groups:
            raise BadExtraction("the regex of an EXTRACT needs a named group")
    except HarnessError as error:
        broken = placed(error, extract.origin.place, f"`{extract.origin.key}`")
        return Broken(broken, extract.source_field, _written_names(extract.regex))
    return Groups(found.pattern, extract.source_field, found.groups)


def transform_extractors(transform: Transform) -> tuple[Extractor, ...]:
    """The extractions that a stanza of transforms.conf describes; a broken one says why."""
    try:
        return tuple(_of_transform(transform))
    except HarnessError as error:
        broken = placed(error, transform.place, f"the transform [{transform.name}]")
        names = [*_written_names(transform.regex), *(name for name, _ in transform.targets())]
        names += transform.fields
        return (Broken(broken, transform.source_key, tuple(_named(transform, n) for n in names)),)


def _of_transform(transform: Transform) -> Iterator[Extractor]:
    if transform.unsupported:
        raise Unsupported(transform.unsupported)
    if transform.delims:
        yield _delimited(transform)
        return
    found = shape(transform.regex)
    targets = transform.targets()
    if transform.format and not targets:
        raise BadExtraction(f"FORMAT = {transform.format} has no `name::value`")
    if targets:
        yield from _formatted(transform, found, targets)
        return
    if not found.groups:
        raise BadExtraction("the regex has no named group, and there is no FORMAT")
    yield from _by_group_names(transform, found)


def _by_group_names(transform: Transform, found: Shape) -> Iterator[Extractor]:
    """Groups named after fields; `_KEY_x` and `_VAL_x` are names and values of the data."""
    numbers = dict(found.groups)
    plain = [name for name in numbers if not name.startswith((KEY, VALUE))]
    if plain:
        groups = tuple((_named(transform, name), numbers[name]) for name in plain)
        yield _groups(transform, found, groups)
    for name, (number, *_) in found.groups:
        if name.startswith(KEY):
            value = numbers.get(VALUE + name.removeprefix(KEY))
            if value is None:
                raise BadExtraction(f"the group `{name}` has no `{VALUE}` of the same end")
            yield _pairs(transform, found, number, value[0])


def _formatted(
    transform: Transform, found: Shape, targets: tuple[tuple[str, str], ...]
) -> Iterator[Extractor]:
    """FORMAT: names and values that are each a text or one group."""
    groups: list[tuple[str, tuple[int, ...]]] = []
    constants: list[tuple[str, str]] = []
    for name, value in targets:
        key, number = _group(transform, found, name), _group(transform, found, value)
        if key is not None:
            yield _pairs(transform, found, key, number, value if number is None else "")
        elif number is not None:
            groups.append((_named(transform, name), (number,)))
        else:
            constants.append((_named(transform, name), value))
    if groups or constants:
        yield _groups(transform, found, tuple(groups), tuple(constants))


def _group(transform: Transform, found: Shape, written: str) -> int | None:
    """The group that a part of FORMAT is, None for a text; BadExtraction where it is neither."""
    for reference in GROUP.finditer(written):
        if int(reference[1]) > found.count:
            count = f"{found.count} group{'' if found.count == 1 else 's'}"
            raise BadExtraction(
                f"FORMAT names ${reference[1]}, and the regex has {count}",
                hints=["Splunk gives no events to searches that use such a transform"],
            )
        if reference[0] != written:
            raise Unsupported(
                f"`{written}` in FORMAT = {transform.format}: Splunk joins texts and groups at "
                "index time only",
                hints=["an EVAL- joins fields"],
            )
        return int(reference[1])
    return None


def _groups(
    transform: Transform,
    found: Shape,
    groups: tuple[tuple[str, tuple[int, ...]], ...],
    constants: tuple[tuple[str, str], ...] = (),
) -> Groups:
    return Groups(
        found.pattern,
        transform.source_key,
        groups,
        constants,
        transform.mv_add,
        keeps_empty=transform.keep_empty_vals,
    )


def _pairs(
    transform: Transform, found: Shape, name_group: int, value_group: int | None, value: str = ""
) -> Pairs:
    return Pairs(
        found.pattern,
        transform.source_key,
        name_group,
        value_group,
        transform.mv_add,
        transform.clean_keys,
        keeps_empty=transform.keep_empty_vals,
        value=value,
    )


def _delimited(transform: Transform) -> Extractor:
    outer, *inner = transform.delims
    if not inner and transform.fields:
        return Delimited(
            outer,
            transform.source_key,
            tuple(_named(transform, name) for name in transform.fields),
            transform.mv_add,
            keeps_empty=transform.keep_empty_vals,
        )
    return DelimitedPairs(
        outer,
        inner[0] if inner else "",
        transform.source_key,
        transform.mv_add,
        transform.clean_keys,
        keeps_empty=transform.keep_empty_vals,
    )


def _named(transform: Transform, name: str) -> str:
    """A field's name as CLEAN_KEYS writes it; a name of nothing else stays."""
    if not transform.clean_keys:
        return name
    return re.sub(r"^[0-9_]+", "", re.sub(r"[^A-Za-z0-9_]", "_", name)) or name


def _written_names(regex: str) -> tuple[str, ...]:
    return tuple(found[1] or found[2] for found in NAMED.finditer(regex))
