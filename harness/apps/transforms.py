"""transforms.conf: field transforms and lookup definitions.

Source of the rules: transforms.conf.spec.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.apps.conf import DEFAULT_STANZA, as_boolean
from harness.apps.modular import TooModular, expanded
from harness.apps.words import quoted_words
from harness.errors import Place
from harness.model import MOST_MATCHES, LookupDefinition
from harness.model.time_formats import READABLE, VARIABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from harness.apps.collections import Collection
    from harness.apps.conf import Setting, Stanza
    from harness.model import MatchKind

RAW = "_raw"
_INDEX_TIME = ("DEST_KEY", "WRITE_META", "INGEST_EVAL", "STOP_PROCESSING_IF", "CLONE_SOURCETYPE")
LATEST_OFFSET = 2_000_000_000
_LOOKUP_KEYS = ("filename", "external_cmd", "collection", "external_type")


@dataclass(frozen=True, slots=True)
class Transform:
    """A field transform: by REGEX and FORMAT, or by DELIMS and FIELDS (then `regex` is empty).

    `format` is FORMAT as written; `targets()` takes it apart. `delims` has one set of
    separator characters (between fields) or two (between fields, between key and value).
    `unsupported` says why the transform cannot be applied to a search.
    """

    name: str
    regex: str = ""
    format: str = ""
    source_key: str = RAW
    delims: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    mv_add: bool = False
    clean_keys: bool = True
    keep_empty_vals: bool = False
    place: Place = field(default_factory=Place)
    unsupported: str | None = None

    def targets(self) -> tuple[tuple[str, str], ...]:
        """FORMAT as (name, value) pairs: `("user", "$1")`, or `("$1", "$2")` for names of data.

        Empty where FORMAT is: then the regex's own group names are the fields.
        """
        pairs = [
            word.partition("::")
            for word in quoted_words(self.format, separators=" \t\n", keep_quotes=True)
        ]
        return tuple((_unquoted(name), _unquoted(value)) for name, sign, value in pairs if sign)


def field_transform(name: str, stanzas: Mapping[str, Stanza]) -> Transform | None:
    """The field transform of a name among the stanzas of transforms.conf."""
    stanza = stanzas.get(name)
    if stanza is None or name == DEFAULT_STANZA:
        return None
    default = stanzas.get(DEFAULT_STANZA)

    def regex_of(part: str) -> str | None:
        found = stanzas.get(part)
        setting = found.settings.get("REGEX") if found is not None else None
        return setting.value if setting is not None and setting.value else None

    return transform_of(stanza, default.settings if default else {}, regex_of)


def transform_of(
    stanza: Stanza, defaults: Mapping[str, Setting], regex_of: Callable[[str], str | None]
) -> Transform:
    """The transform that a stanza describes; `regex_of` gives the parts of modular regexes."""
    settings = {**defaults, **stanza.settings}

    def text(key: str, default: str = "") -> str:
        return settings[key].value if key in settings else default

    unsupported = None
    try:
        regex = expanded(text("REGEX"), regex_of)
    except TooModular as error:
        regex, unsupported = text("REGEX"), str(error)

    delims = tuple(_delimiters(word) for word in quoted_words(text("DELIMS"), keep_quotes=True))
    return Transform(
        name=stanza.name,
        regex="" if delims else regex,
        format=text("FORMAT"),
        source_key=text("SOURCE_KEY") or RAW,
        delims=delims,
        fields=tuple(quoted_words(text("FIELDS"))),
        mv_add=as_boolean(text("MV_ADD"), default=False),
        clean_keys=as_boolean(text("CLEAN_KEYS"), default=True),
        keep_empty_vals=as_boolean(text("KEEP_EMPTY_VALS"), default=False),
        place=stanza.place,
        unsupported=unsupported or _unsupported_transform(settings, text("SOURCE_KEY"), delims),
    )


def _unsupported_transform(
    settings: Mapping[str, Setting], source_key: str, delims: tuple[str, ...]
) -> str | None:
    for key in _INDEX_TIME:
        if key in settings:
            return f"{key} is for index time"
    if any(key in settings for key in _LOOKUP_KEYS):
        return "it is a lookup, not a field transform"
    if ":" in source_key:
        return f"SOURCE_KEY = {source_key} is for index time"
    if not delims and not (settings["REGEX"].value if "REGEX" in settings else ""):
        return "it has neither REGEX nor DELIMS"
    if len(delims) > 2:
        return "DELIMS has more than two sets of characters"
    return None


def _delimiters(word: str) -> str:
    r"""One set of DELIMS: the quotes off, `\t`, `\n`, `\r` and `\\` meant."""
    plain = _unquoted(word)
    parts: list[str] = []
    characters = iter(plain)
    for character in characters:
        if character == "\\":
            following = next(characters, "\\")
            parts.append({"t": "\t", "n": "\n", "r": "\r"}.get(following, following))
        else:
            parts.append(character)
    return "".join(parts)


def _unquoted(word: str) -> str:
    return word[1:-1] if len(word) >= 2 and word[0] == word[-1] == '"' else word


def lookups_of(
    stanzas: Mapping[str, Stanza],
    table_of: Callable[[str, str], Path | None],
    collections: Mapping[str, Collection],
    warn: Callable[[str, Place], None],
) -> Iterator[LookupDefinition]:
    """The lookups among the stanzas of transforms.conf.

    `table_of(app, file name)` gives the CSV file in that app's `lookups/`, if there is one.
    """
    default = stanzas.get(DEFAULT_STANZA)
    defaults = default.settings if default is not None else {}
    for stanza in stanzas.values():
        if any(key in stanza.settings for key in _LOOKUP_KEYS):
            settings = {**defaults, **stanza.settings}
            yield _lookup_of(stanza, settings, table_of, collections, warn)


def _lookup_of(
    stanza: Stanza,
    settings: Mapping[str, Setting],
    table_of: Callable[[str, str], Path | None],
    collections: Mapping[str, Collection],
    warn: Callable[[str, Place], None],
) -> LookupDefinition:
    def text(key: str, default: str = "") -> str:
        return settings[key].value if key in settings else default

    def number(key: str, default: int) -> int:
        if not text(key):
            return default
        try:
            return int(text(key))
        except ValueError:
            warn(f"`{key}` is not a number, {default} is used", settings[key].place)
            return default

    table: Path | None = None
    unsupported = _unsupported_lookup(settings) or _unread_time(text("time_format"))
    collection: Collection | None = None
    if unsupported is None and (text("collection") or text("external_type") == "kvstore"):
        name = text("collection") or stanza.name
        collection = collections.get(name)
        if collection is None:
            unsupported = f"no app has the collection `{name}` in collections.conf"
        else:
            app = settings["collection" if text("collection") else "external_type"].app
            table = _seed(stanza.name, name, app, table_of)
        if not text("fields_list"):
            warn(f"the lookup `{stanza.name}` of a collection has no fields_list", stanza.place)
    elif unsupported is None and "filename" in settings:
        filename = settings["filename"]
        table = table_of(filename.app, filename.value)
        if table is None:
            unsupported = f"the app `{filename.app}` has no file lookups/{filename.value}"
    return LookupDefinition(
        name=stanza.name,
        table=table,
        match_types=tuple(_match_types(settings, warn)),
        case_sensitive=as_boolean(text("case_sensitive_match"), default=True),
        min_matches=number("min_matches", 0),
        max_matches=number("max_matches", 1 if text("time_field") else MOST_MATCHES),
        default_match=text("default_match") or None,
        fields=tuple(quoted_words(text("fields_list"))),
        unsupported=unsupported,
        place=stanza.place,
        collection=collection.name if collection else None,
        kinds=collection.kinds if collection else (),
        enforced=collection.enforced if collection else False,
        filter=text("filter"),
        time_field=text("time_field"),
        time_format=text("time_format"),
        offsets=(number("min_offset_secs", 0), number("max_offset_secs", LATEST_OFFSET)),
    )


def _seed(
    name: str, collection: str, app: str, table_of: Callable[[str, str], Path | None]
) -> Path | None:
    """The CSV file that a collection begins with: of its own name, or of its lookup's."""
    for stem in (collection, name):
        for suffix in (".csv", ".csv.gz"):
            table = table_of(app, stem + suffix)
            if table is not None:
                return table
    return None


def _unsupported_lookup(settings: Mapping[str, Setting]) -> str | None:
    def text(key: str) -> str:
        return settings[key].value if key in settings else ""

    kind = text("external_type")
    if text("external_cmd"):
        return "a lookup by script: scripts of an app are never run"
    if text("collection") or kind == "kvstore":
        return None
    if kind:
        return f"a lookup of the type `{kind}`"
    if not text("filename").endswith((".csv", ".csv.gz")):
        return "a table that is not CSV"
    return None


def _unread_time(form: str) -> str | None:
    """What is wrong with a time_format."""
    for name in VARIABLE.findall(form):
        if name.lstrip("0123456789:") not in {one.lstrip(":") for one in READABLE}:
            return f"time_format has the variable `%{name}`, which no time is read by"
    return None


_MATCH_KINDS: dict[str, MatchKind] = {"WILDCARD": "wildcard", "CIDR": "cidr", "EXACT": "exact"}


def _match_types(
    settings: Mapping[str, Setting], warn: Callable[[str, Place], None]
) -> Iterator[tuple[MatchKind, str]]:
    setting = settings.get("match_type")
    if setting is None:
        return
    for word in quoted_words(setting.value):
        name, opened, rest = word.partition("(")
        kind = _MATCH_KINDS.get(name.strip().upper())
        if kind is None or not opened or not rest.endswith(")"):
            warn(f"match_type `{word}` is not WILDCARD(field) or CIDR(field)", setting.place)
        else:
            yield kind, rest[:-1].strip()
