"""How DuckDB says each logical function: the dialect's table, and the values around it."""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import TYPE_CHECKING

from sqlglot import exp
from sqlglot.dialects.duckdb import DuckDB

from harness.sql import patterns
from harness.sql.widths import group_count, group_number, never_empty, only_group

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from harness.sql.query import OrderKey

Node = exp.Expression

PLAIN = frozenset(
    """
    abs ceil floor round sqrt ln exp pow greatest least lower upper length trunc
    list_extract list_slice list_concat list_distinct list_sort list_reverse
    list_contains list_position array_to_string string_split flatten list_sum list_min list_max
    contains starts_with ends_with strpos substr replace translate md5 sha1 sha256 log2 log10
    sum min max avg count stddev_samp stddev_pop var_samp var_pop median mode
    arg_min arg_max quantile_cont list_aggregate list first last
    sin cos tan asin acos atan atan2 sinh cosh tanh asinh acosh atanh
    json_extract_string json_valid epoch
    """.split()
)
"""Functions that DuckDB calls by their logical names, with the same meaning."""
AGGREGATES = frozenset(
    """
    sum min max avg count stddev_samp stddev_pop var_samp var_pop median mode arg_min arg_max
    quantile_cont list first last
    """.split()
)
"""Functions over rows: where the dialect has a window, they run over it."""
NUMBER = r"^\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*$"
REFERENCE = re.compile(r"\\(\d)?")
ADDRESS = r"^\d{1,3}(?:\.\d{1,3}){3}$"
UDF_PREFIX = "spl_"
MOST_DECIMALS = 15
MOST_GROUPS = 9
FARTHEST = 2**62
FILLED = "filled"
MOST_VALUES = 100_000
"""Of one field in one row, as for mvrange."""
TOO_MANY_VALUES = f"mvappend gives more than {MOST_VALUES:,} values"
"""The mark, in a node's meta, of a list that is NULL where it would be empty."""
OF_LISTS = frozenset({"list_concat", "list_distinct", "list_sort", "list_reverse"})
"""Functions whose result is empty only if all that they are given is."""


def raw(name: str, *arguments: Node) -> Node:
    """A call of DuckDB's own, no questions asked."""
    return exp.Anonymous(this=name, expressions=list(arguments))


def _extract(function: str, value: Node, pattern: str, group: int) -> Node:
    """A group of a pattern that RE2 takes; DuckDB numbers them up to 9 only."""
    if group > MOST_GROUPS:
        pattern, group = only_group(pattern, group), 1
    return raw(function, value, text(pattern), whole(group))


def _native(pattern: str) -> str:
    """The RE2 form of a pattern that is known to have one."""
    native = patterns.translate(pattern).native
    if native is None:
        raise ValueError(pattern)
    return native


def _part_names(count: int) -> Node:
    return raw("LIST_VALUE", *(text(f"p{number}") for number in range(1, count + 1)))


def text(value: str) -> Node:
    """A text literal."""
    return exp.Literal.string(value)


def number(value: float) -> Node:
    """A double literal."""
    if math.isinf(value) or math.isnan(value):
        return cast_to(text(str(value)), "DOUBLE")
    spelled = str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    return cast_to(exp.Literal.number(spelled), "DOUBLE")


def whole(value: int) -> Node:
    """An integer literal, for positions and counts: one that no list reaches stands for more."""
    return exp.Literal.number(max(-FARTHEST, min(FARTHEST, value)))


def cast_to(value: Node, kind: str, *, attempt: bool = False) -> Node:
    """CAST or TRY_CAST."""
    return (exp.TryCast if attempt else exp.Cast)(this=value, to=_type(kind).copy())


@lru_cache(maxsize=64)
def _type(kind: str) -> exp.DataType:
    """A type by its name; sqlglot parses the name, which takes longer than all else here."""
    return exp.DataType.build(kind)


def paren(value: Node) -> Node:
    """A node that can be an operand."""
    return exp.Paren(this=value) if isinstance(value, exp.Binary | exp.Unary) else value


def _binary(kind: type[Node]) -> Callable[[DuckDBDialect, Node, Node], Node]:
    def build(d: DuckDBDialect, left: Node, right: Node) -> Node:
        return kind(this=paren(left), expression=paren(right))

    return build


def _chain(kind: type[Node]) -> Callable[..., Node]:
    def build(d: DuckDBDialect, *parts: Node) -> Node:
        result = paren(parts[0])
        for part in parts[1:]:
            result = kind(this=result, expression=paren(part))
        return result

    return build


def _is_null(d: DuckDBDialect, value: Node) -> Node:
    if value is not (values := bare(value)):
        none = exp.EQ(this=raw("LEN", values), expression=whole(0))
        return exp.Coalesce(this=none, expressions=[exp.true()])
    return exp.Is(this=paren(value), expression=exp.Null())


def _is_not_null(d: DuckDBDialect, value: Node) -> Node:
    if value is not (values := bare(value)):
        some = exp.GT(this=raw("LEN", values), expression=whole(0))
        return exp.Coalesce(this=some, expressions=[exp.false()])
    return exp.Not(this=exp.Is(this=paren(value), expression=exp.Null()))


def _not(d: DuckDBDialect, value: Node) -> Node:
    return exp.Not(this=paren(value))


def _like(kind: type[Node]) -> Callable[[DuckDBDialect, Node, Node], Node]:
    def build(d: DuckDBDialect, value: Node, pattern: Node) -> Node:
        return exp.Escape(
            this=kind(this=paren(value), expression=paren(pattern)), expression=text("\\")
        )

    return build


def _coalesce(d: DuckDBDialect, *values: Node) -> Node:
    return exp.Coalesce(this=values[0], expressions=list(values[1:]))


def _to_list(d: DuckDBDialect, value: Node) -> Node:
    if isinstance(value, exp.Literal):
        return raw("LIST_VALUE", value)
    if isinstance(value, exp.Cast) and isinstance(value.this, exp.Null):
        return d.function("null_list")
    return d.case([(_is_not_null(d, value), raw("LIST_VALUE", value))])


def _only_value(d: DuckDBDialect, values: Node) -> Node:
    values = bare(values)
    one = exp.EQ(this=raw("LEN", values), expression=whole(1))
    return d.case([(one, raw("LIST_EXTRACT", values, whole(1)))])


def _to_number(d: DuckDBDialect, value: Node) -> Node:
    return cast_to(raw("REGEXP_EXTRACT", value, text(NUMBER)), "DOUBLE", attempt=True)


def _number_text(d: DuckDBDialect, value: Node) -> Node:
    return raw("REGEXP_REPLACE", cast_to(value, "VARCHAR"), text(r"\.0$"), text(""))


def _boolean_text(d: DuckDBDialect, value: Node) -> Node:
    return d.case(
        [(value, text("true")), (exp.Not(this=paren(value)), text("false"))],
    )


def _list_length(d: DuckDBDialect, values: Node) -> Node:
    return cast_to(raw("LEN", values), "DOUBLE")


def _address_text(d: DuckDBDialect, value: Node) -> Node:
    """A text by which IPv4 addresses sort as such; any other text stays."""
    is_address = raw("REGEXP_MATCHES", value, text(ADDRESS))
    parts = raw("STRING_SPLIT", value, text("."))
    padded = d.each(parts, lambda part: raw("LPAD", part, whole(3), text("0")))
    return d.case([(is_address, raw("ARRAY_TO_STRING", padded, text(".")))], value)


def _not_empty(d: DuckDBDialect, values: Node) -> Node:
    if values is not bare(values):
        return values
    full = exp.GT(this=raw("LEN", values), expression=whole(0))
    filled = d.case([(full, values)])
    filled.meta[FILLED] = True
    return filled


def _not_too_long(d: DuckDBDialect, values: Node) -> Node:
    """A list, or an error; it is written once, where one in the other would double the text."""

    def checked(held: Node) -> Node:
        too_long = exp.GT(this=raw("LEN", held), expression=whole(MOST_VALUES))
        return d.case([(too_long, raw("ERROR", text(TOO_MANY_VALUES)))], held.copy())

    alone = raw("LIST_VALUE", bare(values))
    return raw("LIST_EXTRACT", raw("LIST_TRANSFORM", alone, d._lambda(checked)), whole(1))  # noqa: SLF001 - of the same module


def bare(values: Node) -> Node:
    """A list before its emptiness was made NULL.

    `_not_empty` writes its list twice, so one in the other would double the text each time.
    """
    filled = isinstance(values, exp.Case) and FILLED in values.meta
    return values.args["ifs"][0].args["true"] if filled else values


def _no_blank(d: DuckDBDialect, value: Node) -> Node:
    return raw("NULLIF", value, text(""))


def _integer(d: DuckDBDialect, value: Node) -> Node:
    return cast_to(value, "BIGINT", attempt=True)


def _double(d: DuckDBDialect, value: Node) -> Node:
    return cast_to(value, "DOUBLE")


def _filtered(d: DuckDBDialect, aggregate: Node, condition: Node) -> Node:
    if isinstance(aggregate, exp.Window):
        inner = exp.Filter(this=aggregate.this, expression=exp.Where(this=condition))
        aggregate.set("this", inner)
        return aggregate
    return exp.Filter(this=aggregate, expression=exp.Where(this=condition))


def _distinct(d: DuckDBDialect, value: Node) -> Node:
    return exp.Distinct(expressions=[value])


def _zip(d: DuckDBDialect, left: Node, right: Node) -> Node:
    return raw("LIST_ZIP", left, right)


def _beside(d: DuckDBDialect, values: Node, names: Node, name: Node) -> Node:
    """The values at the places at which another list has a name."""
    value, place = d.variable(), d.variable()
    named = exp.EQ(this=raw("LIST_EXTRACT", names, exp.Column(this=place)), expression=name)
    return raw("LIST_FILTER", values, exp.Lambda(this=named, expressions=[value, place]))


def _struct_part(d: DuckDBDialect, value: Node, position: Node) -> Node:
    return raw("STRUCT_EXTRACT", value, position)


def _timestamp(d: DuckDBDialect, epoch: Node) -> Node:
    micros = raw("ROUND", exp.Mul(this=paren(epoch), expression=exp.Literal.number("1000000")))
    return raw("MAKE_TIMESTAMP", cast_to(micros, "BIGINT", attempt=True))


def _strftime(d: DuckDBDialect, stamp: Node, form: Node) -> Node:
    return raw("STRFTIME", stamp, form)


def _strptime(d: DuckDBDialect, value: Node, form: Node) -> Node:
    return raw("TRY_STRPTIME", value, form)


def _epoch(d: DuckDBDialect, stamp: Node) -> Node:
    return raw("EPOCH", stamp)


def _in_zone(d: DuckDBDialect, zone: Node, stamp: Node) -> Node:
    return raw("TIMEZONE", zone, stamp)


def _utc(d: DuckDBDialect, epoch: Node) -> Node:
    return cast_to(raw("TIMEZONE", text("UTC"), _timestamp(d, epoch)), "TIMESTAMPTZ")


def _true(d: DuckDBDialect) -> Node:
    return exp.true()


def _ascii_value(d: DuckDBDialect, value: Node) -> Node:
    return raw("ENCODE", value)


TABLE: dict[str, Callable[..., Node]] = {
    "and": _chain(exp.And),
    "or": _chain(exp.Or),
    "not": _not,
    "is_null": _is_null,
    "is_not_null": _is_not_null,
    "equals": _binary(exp.EQ),
    "differs": _binary(exp.NEQ),
    "less": _binary(exp.LT),
    "at_most": _binary(exp.LTE),
    "greater": _binary(exp.GT),
    "at_least": _binary(exp.GTE),
    "add": _binary(exp.Add),
    "subtract": _binary(exp.Sub),
    "multiply": _binary(exp.Mul),
    "divide": _binary(exp.Div),
    "modulo": _binary(exp.Mod),
    "concat": _chain(exp.DPipe),
    "like": _like(exp.Like),
    "ilike": _like(exp.ILike),
    "coalesce": _coalesce,
    "nullif": lambda d, a, b: raw("NULLIF", a, b),
    "to_list": _to_list,
    "make_list": lambda d, *items: raw("LIST_VALUE", *items),
    "only_value": _only_value,
    "to_number": _to_number,
    "number_text": _number_text,
    "boolean_text": _boolean_text,
    "null_text": lambda d: cast_to(exp.Null(), "VARCHAR"),
    "null_number": lambda d: cast_to(exp.Null(), "DOUBLE"),
    "null_boolean": lambda d: cast_to(exp.Null(), "BOOLEAN"),
    "empty_list": lambda d: cast_to(raw("LIST_VALUE"), "VARCHAR[]"),
    "numbers": lambda d, *items: cast_to(raw("LIST_VALUE", *items), "DOUBLE[]"),
    "null_list": lambda d: cast_to(exp.Null(), "VARCHAR[]"),
    "list_length": _list_length,
    "address_text": _address_text,
    "not_empty": _not_empty,
    "not_too_long": _not_too_long,
    "no_blank": _no_blank,
    "integer": _integer,
    "double": _double,
    "filtered": _filtered,
    "distinct": _distinct,
    "list_zip": _zip,
    "beside": _beside,
    "struct_part": _struct_part,
    "regex_part": lambda d, parts, position: raw("STRUCT_EXTRACT_AT", parts, position),
    "utc_timestamp": _timestamp,
    "strftime": _strftime,
    "strptime": _strptime,
    "epoch_of": _epoch,
    "in_zone": _in_zone,
    "instant": _utc,
    "true": _true,
    "trim": lambda d, v, c: raw("TRIM", v, c),
    "ltrim": lambda d, v, c: raw("LTRIM", v, c),
    "rtrim": lambda d, v, c: raw("RTRIM", v, c),
    "row_count": lambda d: cast_to(d.over("count", raw("COUNT", exp.Star())), "DOUBLE"),
    "code_units": _ascii_value,
}


class DuckDBDialect:
    """DuckDB's side of the `Dialect` protocol, building sqlglot nodes.

    `now` is the search's clock in epoch seconds. `order` is the order of the rows that
    aggregates run over, `window` the window of those that stand beside rows; `used` collects
    the functions of ours that the statement calls and that the engine has to create first.
    """

    def __init__(self, now: float = 0.0, timezone: str = "UTC") -> None:
        self._now = now
        self.asked_now = False
        self.timezone = timezone
        self.order: tuple[OrderKey, ...] = ()
        self.window: exp.Window | None = None
        self.used: set[str] = set()
        self._variables = 0

    @property
    def now(self) -> float:
        """The search's clock; `asked_now` says that the statement depends on it."""
        self.asked_now = True
        return self._now

    def literal(self, value: str | float | bool | None) -> Node:
        """A constant."""
        if value is None:
            return cast_to(exp.Null(), "VARCHAR")
        if isinstance(value, bool):
            return exp.true() if value else exp.false()
        return text(value) if isinstance(value, str) else number(float(value))

    def position(self, value: int) -> Node:
        """An integer."""
        return whole(value)

    def function(self, name: str, *arguments: Node) -> Node:
        """A function by its logical name."""
        if (build := TABLE.get(name)) is not None:
            return build(self, *arguments)
        if name in PLAIN:
            return self._plain(name, arguments)
        if name.startswith(UDF_PREFIX):
            self.used.add(name)
            return raw(name, *arguments)
        raise KeyError(name)

    def _plain(self, name: str, arguments: Sequence[Node]) -> Node:
        given = arguments
        if name in OF_LISTS or name == "list_extract":
            arguments = [bare(one) for one in arguments]
        call = self.over(name, raw(name.upper(), *arguments))
        stripped = any(a is not b for a, b in zip(given, arguments, strict=True))
        return _not_empty(self, call) if stripped and name in OF_LISTS else call

    def over(self, name: str, call: Node) -> Node:
        """An aggregate over the dialect's window, if there is one; any other call as it is."""
        if self.window is None or name not in AGGREGATES:
            return call
        window = self.window.copy()
        window.set("this", call)
        return window

    def case(self, branches: Sequence[tuple[Node, Node]], default: Node | None = None) -> Node:
        """A searched CASE."""
        ifs = [exp.If(this=condition, true=value) for condition, value in branches]
        return exp.Case(ifs=ifs, default=default)

    def each(self, values: Node, body: Callable[[Node], Node]) -> Node:
        """LIST_TRANSFORM."""
        changed = raw("LIST_TRANSFORM", bare(values), self._lambda(body))
        return changed if values is bare(values) else _not_empty(self, changed)

    def where(self, values: Node, condition: Callable[[Node], Node]) -> Node:
        """LIST_FILTER, NULL instead of an empty list."""
        return _not_empty(self, raw("LIST_FILTER", bare(values), self._lambda(condition)))

    def has(self, values: Node, condition: Callable[[Node], Node]) -> Node:
        """LIST_FILTER, and whether anything is left."""
        left = raw("LEN", raw("LIST_FILTER", values, self._lambda(condition)))
        return exp.GT(this=left, expression=whole(0))

    def _lambda(self, body: Callable[[Node], Node]) -> Node:
        name = self.variable()
        return exp.Lambda(this=body(exp.Column(this=name)), expressions=[name])

    def variable(self) -> exp.Identifier:
        """A new name for what a lambda is given."""
        self._variables += 1
        return exp.Identifier(this=f"v{self._variables}", quoted=False)

    def ordered(self, aggregate: str, value: Node) -> Node:
        """An aggregate in the rows' order; NULLs are left out.

        A window has an order of its own, but its FIRST and LAST take no condition.
        """
        if self.window is not None:
            present = _is_not_null(self, value)
            if aggregate == "list":
                return _filtered(self, self.over("list", raw("LIST", value)), present)
            name = "arg_min" if aggregate == "first" else "arg_max"
            (key,) = self.order
            return _filtered(self, self.over(name, raw(name, value, key.column)), present)
        keys = [key.node() for key in self.order]
        inside = exp.Order(this=value, expressions=keys) if keys else value
        return _filtered(self, raw(aggregate.upper(), inside), _is_not_null(self, value))

    def round(self, value: Node, decimals: int) -> Node:
        """A number rounded as its digits are written, halves away from zero.

        By way of a decimal of its text: ROUND of a double differs between DuckDB 2.0.0 and 2.0.1
        (-2.55 to one decimal is -2.6 in one and -2.5 in the other).
        """
        plain = raw("ROUND", value, whole(decimals))
        if not 0 <= decimals <= MOST_DECIMALS:
            return plain
        written = cast_to(value, "VARCHAR")
        exact = cast_to(written, f"DECIMAL(38, {decimals})", attempt=True)
        return _coalesce(self, cast_to(exact, "DOUBLE"), plain)

    def regex_matches(self, value: Node, pattern: str) -> Node:
        """Whether a pattern occurs in a text."""
        translated = patterns.translate(pattern)
        if translated.native is not None:
            return raw("REGEXP_MATCHES", value, text(translated.native))
        return self.function("spl_regex_matches", value, text(pattern))

    def regex_group(self, value: Node, pattern: str, group: int | str) -> Node:
        """What a group caught: NULL when the pattern does not match or the group took no part.

        Where RE2 cannot tell an empty match from none, the `regex` module decides.
        """
        translated = patterns.translate(pattern)
        index = group if isinstance(group, int) else translated.groups.index(group) + 1
        index = index if isinstance(group, int) else group_number(pattern, group)
        if translated.native is not None and never_empty(pattern, index):
            extracted = _extract("REGEXP_EXTRACT", value, translated.native, index)
            return raw("NULLIF", extracted, text(""))
        return self.function("spl_regex_group", value, text(pattern), whole(index))

    def regex_filled(self, value: Node, pattern: str, group: int) -> Node:
        """What a group caught, with an empty catch counting as none."""
        translated = patterns.translate(pattern)
        if translated.native is not None:
            extracted = _extract("REGEXP_EXTRACT", value, translated.native, group)
            return raw("NULLIF", extracted, text(""))
        caught = self.function("spl_regex_group", value, text(pattern), whole(group))
        return raw("NULLIF", caught, text(""))

    def regex_all(self, value: Node, pattern: str, group: int) -> Node:
        """Every catch of a group, in order; NULL where there is none at all.

        A group that took no part counts as an empty catch. After a match RE2 passes over an
        empty one that PCRE finds there, so patterns that match nothing go to `regex`.
        """
        translated = patterns.translate(pattern)
        if translated.native is not None and never_empty(pattern, 0):
            found = _extract("REGEXP_EXTRACT_ALL", value, translated.native, group)
            caught = self.each(found, lambda v: exp.Coalesce(this=v, expressions=[text("")]))
            return _not_empty(self, caught)
        return self.function("spl_regex_all", value, text(pattern), whole(group))

    def regex_parts(self, value: Node, pattern: str, count: int) -> Node:
        """What so many groups of a pattern caught, as a struct of texts."""
        return raw("REGEXP_EXTRACT", value, text(_native(pattern)), _part_names(count))

    def regex_all_parts(self, value: Node, pattern: str, count: int) -> Node:
        """The same of every match, as a list."""
        return raw("REGEXP_EXTRACT_ALL", value, text(_native(pattern)), _part_names(count))

    def regex_replace(
        self, value: Node, pattern: str, replacement: str, *, every: bool = True
    ) -> Node:
        r"""Every match, or the first one, replaced; `\1` in the replacement is a group."""
        translated = patterns.translate(pattern)
        plain = not translated.consumes_newline and never_empty(pattern, 0)
        if translated.native is not None and plain:
            count = group_count(pattern)
            replacement = REFERENCE.sub(
                lambda m: r"\\" if m[1] is None else m[0] if int(m[1]) <= count else "",
                replacement,
            )
            options = [text("g")] if every else []
            return raw(
                "REGEXP_REPLACE", value, text(translated.native), text(replacement), *options
            )
        limit = whole(0 if every else 1)
        return self.function("spl_regex_replace", value, text(pattern), text(replacement), limit)


def generate(node: Node) -> str:
    """The statement's text."""
    return DuckDB().generator().generate(node, copy=False)
