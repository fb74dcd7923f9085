r"""Fields out of text: what props.conf, transforms.conf, KV_MODE and rex ask for.

These have no name in SPL; the fields layer and the commands call them. Each gives NULL where
the text does not hold the field. Source: Splunk Admin Manual, props.conf and transforms.conf.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.plan.types import Kind, Typed, as_text, as_values
from harness.registry import eval_function

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.plan.types import Dialect, Sql

SYSTEM_ELEMENTS = frozenset(
    "EventID Version Level Task Opcode Keywords EventRecordID Channel Computer".split()
)
SYSTEM_ATTRIBUTES = dict(
    pair.split("@")[::-1]
    for pair in """
    Provider@Name Provider@Guid Provider@EventSourceName EventID@Qualifiers
    TimeCreated@SystemTime Correlation@ActivityID Correlation@RelatedActivityID
    Execution@ProcessID Execution@ThreadID Security@UserID
    """.split()
)
"""The elements of System that have them, by attribute."""
RARE_ATTRIBUTES = tuple(name for name in SYSTEM_ATTRIBUTES if name != "Name")
"""Those that Data has not."""
ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&apos;", "'"), ("&amp;", "&"))
PLAIN = r"[^\\\[\](){}.*+?^$|]+"
BETWEEN = re.compile(
    rf"\(\?m?sm?\)(?P<before>{PLAIN})(?:\[\^(?P<stop>[^\\\]^-])\]\*(?P=stop))?"
    rf"(?:\(\.\*\?\)|\(\?s:\(\.\*\?\)\))(?P<after>{PLAIN})"
)
"""The shortest text between two plain ones, newlines in it too; the first may go on to a stop."""
UNNAMED = "Data"
DATA_MARK = "<Data Name="
DATA = r"^['\"]([^'\"<]+)['\"]>([^<]*)"
"""What follows the mark in a Windows event: a name and a value."""
ELEMENTS = r"<([A-Za-z_][\w.-]*)(?: [^N>][^>]*)?>(\s*[^<\s][^<]*)</"
"""The elements of an event, as `xml_field` reads them one by one."""
XML_DATA, XML_ELEMENT, XML_ATTRIBUTE = "data:", "element:", "attribute:"
NAME_BREAK = "\x1f"
TO_THE_END = 2**31 - 1
JSON_BETWEEN = 3
PAIR_END = r"\s,;|&(\[{"


def any_text(sql: Sql) -> Typed:
    """Text that may be a number."""
    return Typed(sql, Kind.ANY)


@eval_function("extract_group", literal=(1, 2))
def extract_group(d: Dialect, value: Typed, pattern: Typed, group: Typed) -> Typed:
    """The named group of a pattern's first match, as rex gives it."""
    return any_text(
        d.regex_group(as_text(d, value).sql, str(pattern.constant), str(group.constant))
    )


@eval_function("extract_groups", literal=(1, 2, 3))
def extract_groups(d: Dialect, value: Typed, pattern: Typed, group: Typed, limit: Typed) -> Typed:
    """The numbered group of every match, at most `limit` of them when that is not 0."""
    found = d.regex_all(_whole(d, value), str(pattern.constant), _int(group))
    if _int(limit):
        found = d.function("list_slice", found, d.position(1), d.position(_int(limit)))
    return Typed(found, Kind.ANY, multi=True)


@eval_function("offsets_of", literal=(1, 2, 3))
def offsets_of(d: Dialect, value: Typed, pattern: Typed, group: Typed, name: Typed) -> Typed:
    """Where a group's first catch stands, `name=first-last`, as offset_field of rex says it."""
    text, written = as_text(d, value).sql, d.literal(str(pattern.constant))
    found = d.function("spl_regex_offsets", text, written, d.position(_int(group)))
    return any_text(d.function("concat", d.literal(f"{name.constant}="), found))


@eval_function("extract_matches", literal=(1,))
def extract_matches(d: Dialect, value: Typed, pattern: Typed) -> Typed:
    """Whether a pattern occurs in a field's text."""
    return Typed(d.regex_matches(_whole(d, value), str(pattern.constant)), Kind.BOOLEAN)


def _whole(d: Dialect, value: Typed) -> Sql:
    """A field's text; several values are lines, as the transforms of add-ons expect them."""
    if not value.multi:
        return as_text(d, value).sql
    return d.function("array_to_string", value.sql, d.literal("\n"))


@eval_function("extract_filled", literal=(1, 2))
def extract_filled(d: Dialect, value: Typed, pattern: Typed, group: Typed) -> Typed:
    """The numbered group of the first match, empty counting as absent (KEEP_EMPTY_VALS)."""
    text = _whole(d, value)
    if _int(group) == 1 and (ends := BETWEEN.fullmatch(str(pattern.constant))) is not None:
        return any_text(_between(d, text, ends["before"], ends["stop"], ends["after"]))
    return any_text(d.regex_filled(text, str(pattern.constant), _int(group)))


def _between(d: Dialect, text: Sql, before: str, stop: str | None, after: str) -> Sql:
    """What stands between two plain texts; a regex of that meaning takes five times as long.

    A match that begins later ends later, so only the first place of each text counts.
    """
    tests = []

    def beyond(found: Sql, plain: str) -> Sql:
        place = d.function("strpos", found, d.literal(plain))
        tests.append(d.function("greater", place, d.position(0)))
        return d.function("substr", found, d.function("add", place, d.position(len(plain))))

    rest = beyond(text, before)
    rest = beyond(rest, stop) if stop else rest
    length = d.function("strpos", rest, d.literal(after))
    tests.append(d.function("greater", length, d.position(0)))
    found = d.function("substr", rest, d.position(1), d.function("subtract", length, d.position(1)))
    every = tests[0]
    for test in tests[1:]:
        every = d.function("and", every, test)
    return d.case([(every, d.function("no_blank", found))])


@eval_function("extract_all_filled", literal=(1, 2))
def extract_all_filled(d: Dialect, value: Typed, pattern: Typed, group: Typed) -> Typed:
    """The numbered group of every match, empty ones left out (MV_ADD)."""
    found = d.regex_all(_whole(d, value), str(pattern.constant), _int(group))
    return Typed(
        d.where(found, lambda v: d.function("differs", v, d.literal(""))), Kind.ANY, multi=True
    )


@eval_function("extract_pair", literal=(1, 2, 3, 4, 5, 6))
def extract_pair(
    d: Dialect,
    value: Typed,
    pattern: Typed,
    names: Typed,
    values: Typed,
    name: Typed,
    clean: Typed,
    keeps_empty: Typed,
) -> Typed:
    """What `FORMAT = $names::$values` gives one field, in order, empty ones left out or kept.

    With `clean`, keys are compared as CLEAN_KEYS writes them.
    """
    text, wanted = _whole(d, value), str(name.constant)
    keys = d.regex_all(text, str(pattern.constant), _int(names))
    found = d.regex_all(text, str(pattern.constant), _int(values))
    pairs = d.function("list_zip", keys, found)

    def is_wanted(pair: Sql) -> Sql:
        key = d.function("struct_part", pair, d.position(1))
        named = d.function("equals", _cleaned(d, key, clean), d.literal(wanted))
        if keeps_empty.constant:
            return named
        filled = d.function(
            "differs", d.function("struct_part", pair, d.position(2)), d.literal("")
        )
        return d.function("and", named, filled)

    kept = d.where(pairs, is_wanted)
    return Typed(
        d.each(kept, lambda pair: d.function("struct_part", pair, d.position(2))),
        Kind.ANY,
        multi=True,
    )


@eval_function("listed_value", literal=(2, 3))
def listed_value(d: Dialect, names: Typed, values: Typed, name: Typed, keeps_empty: Typed) -> Typed:
    """The first value beside a name in two lists of equal length, empty ones passed over."""
    found = listed_values(d, names, values, name, keeps_empty).sql
    return any_text(d.function("list_extract", found, d.position(1)))


@eval_function("listed_first", literal=(2,))
def listed_first(d: Dialect, names: Typed, values: Typed, name: Typed) -> Typed:
    """The value beside a name's first place in two lists of equal length; an empty one is none."""
    place = d.function("list_position", names.sql, d.literal(str(name.constant)))
    return any_text(d.function("no_blank", d.function("list_extract", values.sql, place)))


@eval_function("listed_values", literal=(2, 3))
def listed_values(
    d: Dialect, names: Typed, values: Typed, name: Typed, keeps_empty: Typed
) -> Typed:
    """Every value beside a name in two lists of equal length, empty ones left out or kept."""
    wanted = d.literal(str(name.constant))

    def is_wanted(pair: Sql) -> Sql:
        key, value = (d.function("struct_part", pair, d.position(n)) for n in (1, 2))
        named = d.function("equals", key, wanted)
        if keeps_empty.constant:
            return named
        return d.function("and", named, d.function("differs", value, d.literal("")))

    kept = d.where(d.function("list_zip", names.sql, values.sql), is_wanted)
    found = d.each(kept, lambda pair: d.function("struct_part", pair, d.position(2)))
    given = d.function("list_contains", names.sql, wanted)
    return Typed(d.case([(given, found)], d.function("null_list")), Kind.ANY, multi=True)


@eval_function("filled_names")
def filled_names(d: Dialect, names: Typed, values: Typed) -> Typed:
    """The names of two lists of equal length that stand beside a value; NULL beside an empty one.

    Every field is looked up in such a list, so what is to be passed over goes beforehand.
    """

    def name_of(pair: Sql) -> Sql:
        name, value = (d.function("struct_part", pair, d.position(n)) for n in (1, 2))
        return d.case([(d.function("differs", value, d.literal("")), name)])

    pairs = d.function("list_zip", names.sql, values.sql)
    return Typed(d.each(pairs, name_of), Kind.ANY, multi=True)


@eval_function("value_beside", literal=(2,))
def value_beside(d: Dialect, names: Typed, values: Typed, name: Typed) -> Typed:
    """The value beside a name's first place in two lists of equal length."""
    place = d.function("list_position", names.sql, d.literal(str(name.constant)))
    return any_text(d.function("list_extract", values.sql, place))


@eval_function("values_beside", literal=(2,))
def values_beside(d: Dialect, names: Typed, values: Typed, name: Typed) -> Typed:
    """The values beside a name's places in two lists of equal length."""
    wanted = d.literal(str(name.constant))
    found = d.function("beside", values.sql, names.sql, wanted)
    given = d.function("list_contains", names.sql, wanted)
    return Typed(d.case([(given, found)], d.function("null_list")), Kind.ANY, multi=True)


@eval_function("extract_part", literal=(1, 2, 3))
def extract_part(
    d: Dialect, value: Typed, delimiters: Typed, position: Typed, keeps_empty: Typed
) -> Typed:
    """The part at a position, from 1, of a text cut at any of the delimiters (DELIMS, FIELDS).

    Two delimiters with nothing between them hold an empty part, but blanks that follow another
    delimiter belong to it. A delimiter within double quotes is text.
    """
    cut = str(delimiters.constant)
    whole = plain = _whole(d, value)
    blanks = "".join(one for one in cut if one in " \t")
    signs = "".join(one for one in cut if one not in " \t")
    if blanks and signs:
        run = f"([{re.escape(signs)}])[{re.escape(blanks)}]+"
        plain = d.regex_replace(plain, run, r"\1")
    for other in cut[1:]:
        plain = d.function("replace", plain, d.literal(other), d.literal(cut[0]))
    parts = d.function("string_split", plain, d.literal(cut[0]))
    quoted = d.function("spl_delimited", whole, d.literal(cut))
    cells = d.case([(d.function("contains", whole, d.literal('"')), quoted)], parts)
    part = d.function(
        "trim", d.function("list_extract", cells, d.position(_int(position))), d.literal(" ")
    )
    return any_text(part if keeps_empty.constant else d.function("no_blank", part))


@eval_function("delimited_names", literal=(1, 2, 3))
def delimited_names(d: Dialect, value: Typed, pairs: Typed, inner: Typed, clean: Typed) -> Typed:
    """The names among the pairs of a text that delimiters cut (DELIMS of two sets)."""
    found = _delimited_part(d, value, pairs, inner, 0)
    return Typed(d.each(found, lambda key: _cleaned(d, key, clean)), Kind.ANY, multi=True)


@eval_function("delimited_values", literal=(1, 2))
def delimited_values(d: Dialect, value: Typed, pairs: Typed, inner: Typed) -> Typed:
    """The values among the pairs of a text that delimiters cut, as many as there are names."""
    return Typed(_delimited_part(d, value, pairs, inner, 1), Kind.ANY, multi=True)


def _delimited_part(d: Dialect, value: Typed, pairs: Typed, inner: Typed, part: int) -> Sql:
    cuts = (d.literal(str(pairs.constant)), d.literal(str(inner.constant)))
    return d.function("spl_delimited_pairs", _whole(d, value), *cuts, d.position(part))


@eval_function("xml_field", literal=(1,))
def xml_field(d: Dialect, raw: Typed, name: Typed) -> Typed:
    """A field of a Windows event in XML: a named Data, an element, or an attribute of System.

    An element that has a Name is called by it, and by nothing else. Data without one are the
    values of `Data`.
    Entities are as in the event: `xml_named` and `xml_numeric` decode them, over a column,
    since they read their argument several times.
    """
    field, text = str(name.constant), as_text(d, raw).sql
    quoted = re.escape(field)
    if field == UNNAMED:
        values = d.regex_all(text, r"<Data>(\s*[^<\s][^<]*)</Data>", 1)
        return Typed(values, Kind.ANY, multi=True)
    data = d.regex_filled(text, rf"<Data Name=['\"]{quoted}['\"]>([^<]*)", 1)
    if field in SYSTEM_ELEMENTS:
        element = d.regex_filled(text, rf"<{quoted}(?: [^>]*)?>([^<]*)</", 1)
        found = d.function("coalesce", element, data)
    elif field in SYSTEM_ATTRIBUTES:
        found = d.function("coalesce", _attribute(d, text, field), data)
    elif re.fullmatch(r"[A-Za-z_][\w.-]*", field):
        element = d.regex_filled(text, rf"<{quoted}(?: [^N>][^>]*)?>(\s*[^<\s][^<]*)</", 1)
        found = d.function("coalesce", data, element)
    else:
        found = data
    return any_text(found)


@eval_function("xml_attribute", literal=(1,))
def xml_attribute(d: Dialect, raw: Typed, name: Typed) -> Typed:
    """An attribute of System by itself, where no Data is called like it."""
    return any_text(_attribute(d, as_text(d, raw).sql, str(name.constant)))


def _attribute(d: Dialect, text: Sql, name: str) -> Sql:
    tag = SYSTEM_ATTRIBUTES[name]
    return d.regex_filled(text, rf"<{tag} (?:[^>]* )?{name}=['\"]([^'\"]*)", 1)


@eval_function("xml_named")
def xml_named(d: Dialect, field: Typed) -> Typed:
    """A text of XML with the five entities decoded."""

    def decoded(value: Sql) -> Sql:
        plain = value
        for entity, character in ENTITIES:
            plain = d.function("replace", plain, d.literal(entity), d.literal(character))
        return d.case([(d.function("contains", value, d.literal("&")), plain)], value)

    return _of_each(d, field, decoded)


def _of_each(d: Dialect, field: Typed, decoded: Callable[[Sql], Sql]) -> Typed:
    if field.multi:
        return Typed(d.each(field.sql, decoded), Kind.ANY, multi=True)
    return any_text(decoded(as_text(d, field).sql))


@eval_function("xml_numeric")
def xml_numeric(d: Dialect, field: Typed) -> Typed:
    """A text of XML with the five entities and numeric ones decoded; no other is expanded."""

    def decoded(value: Sql) -> Sql:
        text = d.function("spl_xml_text", value)
        return d.case([(d.function("contains", value, d.literal("&")), text)], value)

    return _of_each(d, field, decoded)


@eval_function("xml_data", literal=(1,))
def xml_data(d: Dialect, raw: Typed, part: Typed) -> Typed:
    """The names (1) or the values (2) of all named Data, NULL where one is empty or broken.

    Cut at the mark first, the text is read three times as fast as by a pattern over all of it.
    The engine reads the pairs once for both of their parts.
    """
    pairs = d.each(_data(d, as_text(d, raw).sql), lambda piece: d.regex_parts(piece, DATA, 2))
    found = d.each(
        pairs,
        lambda pair: d.function("no_blank", d.function("regex_part", pair, d.position(_int(part)))),
    )
    return Typed(found, Kind.ANY, multi=True)


def _data(d: Dialect, text: Sql) -> Sql:
    """What follows each mark: no match of `DATA` reaches the next one."""
    pieces = d.function("string_split", text, d.literal(DATA_MARK))
    return d.function("list_slice", pieces, d.position(2), d.position(TO_THE_END))


@eval_function("xml_elements", literal=(1,))
def xml_elements(d: Dialect, raw: Typed, part: Typed) -> Typed:
    """The names (1) or the texts (2) of all elements that hold nothing but text."""
    pairs = d.regex_all_parts(as_text(d, raw).sql, ELEMENTS, 2)
    found = d.each(pairs, lambda pair: d.function("regex_part", pair, d.position(_int(part))))
    return Typed(found, Kind.ANY, multi=True)


@eval_function("xml_names")
def xml_names(d: Dialect, raw: Typed) -> Typed:
    """The names of the fields that `xml_field` can find in an event, each behind what has it.

    That is one of `XML_DATA`, `XML_ELEMENT` and `XML_ATTRIBUTE`; of attributes only those of
    `RARE_ATTRIBUTES`. The names of each are one text, with `NAME_BREAK` between them.
    """
    text = as_text(d, raw).sql
    data = d.each(_data(d, text), lambda piece: d.regex_filled(piece, DATA, 1))
    found = {
        XML_DATA: d.where(data, lambda v: d.function("is_not_null", v)),
        XML_ELEMENT: d.regex_all(text, ELEMENTS, 1),
        XML_ATTRIBUTE: d.regex_all(text, f" ({'|'.join(RARE_ATTRIBUTES)})=['\"]", 1),
    }
    texts = [
        d.function(
            "concat",
            d.literal(mark),
            d.function("array_to_string", names, d.literal(NAME_BREAK + mark)),
        )
        for mark, names in found.items()
    ]
    return Typed(d.function("make_list", *texts), Kind.ANY, multi=True)


@eval_function("auto_field", literal=(1,))
def auto_field(d: Dialect, raw: Typed, name: Typed) -> Typed:
    """A field of `key=value` text (KV_MODE = auto): values may stand in double quotes."""
    return any_text(_auto(d, raw, name, r'"([^"]*)"'))


@eval_function("auto_value", literal=(1, 2, 3))
def auto_value(d: Dialect, raw: Typed, name: Typed, escaped: Typed, trims: Typed) -> Typed:
    r"""As `auto_field`, with the settings of the source type.

    In `escaped` quoted values `\"` and `\\` are characters; with `trims` spaces around a value go
    (KV_TRIM_SPACES).
    """
    quoted = r'"((?:[^"\\]|\\.)*)"' if escaped.constant else r'"([^"]*)"'
    found = _auto(d, raw, name, quoted)
    if escaped.constant:
        found = d.regex_replace(found, r'\\(["\\])', r"\1")
    if trims.constant:
        found = d.function("no_blank", d.function("trim", found, d.literal(" ")))
    return any_text(found)


def _auto(d: Dialect, raw: Typed, name: Typed, quoted: str) -> Sql:
    text, key = as_text(d, raw).sql, re.escape(str(name.constant))
    before = rf"(?:^|[{PAIR_END}]){key}\s*=\s*"
    in_quotes = d.regex_filled(text, f"{before}{quoted}", 1)
    bare = d.regex_filled(text, rf"{before}([^\s,;|&\"\])}}]+)", 1)
    return d.function("coalesce", in_quotes, bare)


@eval_function("auto_names")
def auto_names(d: Dialect, raw: Typed) -> Typed:
    """The keys of `key=value` text."""
    found = d.regex_all(
        as_text(d, raw).sql, rf"(?:^|[{PAIR_END}])([A-Za-z_][\w.]*)\s*=\s*[^\s=]", 1
    )
    return Typed(found, Kind.ANY, multi=True)


@eval_function("json_field", literal=(1,))
def json_field(d: Dialect, raw: Typed, name: Typed) -> Typed:
    """A field of a JSON event by its path: `a.b`, and `a{}.b` for every element of an array."""
    text = as_text(d, raw).sql
    found = d.function("spl_json_field", text, d.literal(str(name.constant)))
    return Typed(found, Kind.ANY, multi=True)


@eval_function("json_cells", literal=(1,))
def json_cells(d: Dialect, raw: Typed, part: Typed) -> Typed:
    """The names (1) of a JSON event's fields, their values (2), or what stands between values (3).

    The values of one field are one text.
    """
    cells = d.function("spl_json_cells", as_text(d, raw).sql)
    first, second, names, values = (
        d.function("list_extract", cells, d.position(number)) for number in (1, 2, 3, 4)
    )
    if _int(part) == JSON_BETWEEN:
        return any_text(second)
    found = d.function("string_split", names if _int(part) == 1 else values, first)
    return Typed(found, Kind.ANY, multi=True)


@eval_function("json_listed", literal=(3,))
def json_listed(d: Dialect, names: Typed, values: Typed, between: Typed, name: Typed) -> Typed:
    """The values of one field out of all that `json_cells` gives."""
    place = d.function("list_position", names.sql, d.literal(str(name.constant)))
    value = d.function("list_extract", values.sql, place)
    return Typed(d.function("string_split", value, between.sql), Kind.ANY, multi=True)


@eval_function("json_names")
def json_names(d: Dialect, raw: Typed) -> Typed:
    """The paths of a JSON event's leaves."""
    return Typed(d.function("spl_json_names", as_text(d, raw).sql), Kind.ANY, multi=True)


@eval_function("pair_names", literal=(1, 2, 3))
def pair_names(d: Dialect, value: Typed, pattern: Typed, group: Typed, clean: Typed) -> Typed:
    """The keys that a dynamic extraction finds, cleaned if it cleans them."""
    keys = d.regex_all(_whole(d, value), str(pattern.constant), _int(group))
    cleaned = d.each(keys, lambda key: _cleaned(d, key, clean))
    return Typed(cleaned, Kind.ANY, multi=True)


def _cleaned(d: Dialect, key: Sql, clean: Typed) -> Sql:
    """A key as CLEAN_KEYS writes it: letters, digits and `_`, beginning with a letter."""
    if not clean.constant:
        return key
    return d.regex_replace(d.regex_replace(key, "[^A-Za-z0-9_]", "_"), "^[0-9_]+", "")


@eval_function("collect_names")
def collect_names(d: Dialect, *arguments: Typed) -> Typed:
    """The names whose conditions hold, of (condition, name) pairs: eventtype and tag."""
    cases = [
        d.case([(test.sql, name.sql)], d.function("null_text"))
        for test, name in zip(arguments[::2], arguments[1::2], strict=True)
    ]
    found = d.where(d.function("make_list", *cases), lambda v: d.function("is_not_null", v))
    return Typed(found, Kind.ANY, multi=True)


@eval_function("append_values")
def append_values(d: Dialect, first: Typed, second: Typed) -> Typed:
    """All values of both, in order, NULL when neither has any."""
    return _joined(d, [as_values(d, first).sql, as_values(d, second).sql])


def _joined(d: Dialect, lists: list[Sql]) -> Typed:
    joined = lists[0]
    for other in lists[1:]:
        joined = d.function("list_concat", joined, other)
    return Typed(d.function("not_empty", joined), Kind.ANY, multi=True)


def _int(value: Typed) -> int:
    if not isinstance(value.constant, int | float):
        raise TypeError(value)
    return int(value.constant)
