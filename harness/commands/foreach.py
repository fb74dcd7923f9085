"""foreach: a pipeline that runs for each of several fields, or each value of one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.plan.expressions import Call, Const, Field
from harness.registry import command
from harness.registry.items import MAX_ITEMS, evaluated_for_items, items_of, without
from harness.registry.names import caught, matching
from harness.registry.subsearches import accept_subsearch
from harness.spl.pipeline import parse_pipeline
from harness.spl.source import Span
from harness.spl.templates import Template

if TYPE_CHECKING:
    from harness.plan.expressions import Expr
    from harness.plan.nodes import Relation
    from harness.registry.context import Context
    from harness.spl.lexer import Token
    from harness.spl.pipeline import Stage

MODES = ("multifield", "multivalue", "json_array", "auto_collections")
TOKENS = {
    "fieldstr": "<<FIELD>>",
    "matchstr": "<<MATCHSTR>>",
    "matchseg1": "<<MATCHSEG1>>",
    "matchseg2": "<<MATCHSEG2>>",
    "matchseg3": "<<MATCHSEG3>>",
    "itemstr": "<<ITEM>>",
    "iterstr": "<<ITER>>",
}
OF_ITEMS = ("itemstr", "iterstr")
NOT_IN_TOKENS = re.compile(r"[\s\"'\[\]|\\]")
MAX_FIELDS = 1_000


@command("foreach")
@dataclass(frozen=True, slots=True)
class Foreach:
    """foreach [mode=<mode>] <field>… [<pipeline>]: the pipeline once for each field that exists.

    In it `<<FIELD>>` is the field's name, `<<MATCHSTR>>` what the pattern's `*` stands for, and
    `<<MATCHSEG1>>` to `<<MATCHSEG3>>` what each one does; fieldstr=, matchstr=… choose other
    tokens. With mode=multivalue, json_array or auto_collections it takes one field, and the
    pipeline, a single eval, runs for each value, `<<ITEM>>`, and its number from 0, `<<ITER>>`.
    itemstr= and iterstr= choose other tokens. Names of the data are put in so
    that they cannot write SPL (`harness.spl.templates`). Unsupported: `<<MATCHSTR>>` of several
    `*`. Source: Search Reference, foreach.
    """

    stage: Stage
    mode: str
    names: tuple[str, ...]
    subsearch: Span
    tokens: tuple[tuple[str, str], ...]

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read options and fields in any order, and the pipeline."""
        arguments = stage.arguments
        options: dict[str, Token] = {}
        names: list[str] = []
        subsearch: Span | None = None
        while not arguments.done:
            if arguments.accept(","):
                continue
            if arguments.at_option():
                options.update(arguments.options(("mode", *TOKENS)))
            elif (found := accept_subsearch(arguments)) is not None:
                subsearch = found
            elif subsearch is not None:
                arguments.finish()
            else:
                names.append(arguments.field())
        if subsearch is None:
            arguments.fail("`foreach` needs a pipeline in brackets")
        if not names:
            stage.fail("`foreach` needs a field", None, "for example foreach count_*")
        mode = MODES[0]
        if "mode" in options:
            mode = arguments.choice(options.pop("mode"), "mode", MODES)
        if mode != MODES[0] and len(names) != 1:
            stage.fail(f"mode={mode} takes one field")
        return cls(stage, mode, tuple(names), subsearch, cls._tokens(stage, options))

    @staticmethod
    def _tokens(stage: Stage, options: dict[str, Token]) -> tuple[tuple[str, str], ...]:
        """The tokens of the template, those that the options choose included."""
        for token in options.values():
            if NOT_IN_TOKENS.search(token.value) or not token.value:
                stage.unsupported("a token with space, quotes or brackets", token.span)
        chosen = {name: token.value for name, token in options.items()}
        return tuple({**TOKENS, **chosen}.items())

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Run the pipeline over the rows, again and again."""
        if rows is None:
            self.stage.fail("`foreach` cannot begin a search")
        if self.mode != MODES[0]:
            return self._items(rows, context)
        rows = context.closed(rows)
        template = self._template()
        for pattern, name in self._fields(rows.columns or ()):
            given = self._values(template, pattern, name)
            filled = template.filled(given.__getitem__)
            rows = context.lowered(parse_pipeline(filled, Span(0, len(filled.text))), rows)
        return rows

    def _template(self) -> Template:
        tokens = "|".join(re.escape(token) for _, token in self.tokens)
        inner = Span(self.subsearch.start + 1, self.subsearch.end - 1)
        return Template(self.stage.text, inner, re.compile(tokens))

    def _fields(self, columns: tuple[str, ...]) -> list[tuple[str, str]]:
        """Each pattern with each field that it means, a field only once."""
        found: dict[str, str] = {}
        for pattern in self.names:
            for name in matching(pattern, columns):
                found.setdefault(name, pattern)
        if len(found) > MAX_FIELDS:
            self.stage.unsupported(f"foreach over more than {MAX_FIELDS:,} fields")
        return [(pattern, name) for name, pattern in found.items()]

    def _values(self, template: Template, pattern: str, name: str) -> dict[str, str]:
        """What each token of the template means for a field."""
        used, segments = template.keys(), caught(name, pattern)
        meanings = {"fieldstr": name}
        if len(segments) == 1:
            meanings["matchstr"] = segments[0]
        elif not segments:
            meanings["matchstr"] = ""
        for number, segment in enumerate(segments[:3], start=1):
            meanings[f"matchseg{number}"] = segment
        found: dict[str, str] = {}
        for kind, token in self.tokens:
            if token not in used:
                continue
            if kind == "matchstr" and kind not in meanings:
                self.stage.unsupported(f"{token} of a pattern with several `*`", used[token])
            if kind in OF_ITEMS:
                self.stage.fail(f"{token} needs mode=multivalue or json_array", used[token])
            found[token] = meanings.get(kind, "")
        return found

    def _items(self, rows: Relation, context: Context) -> Relation:
        """Evaluate once for each value of the field."""
        (name,) = self.names
        template = self._template()
        item, number = (dict(self.tokens)[kind] for kind in OF_ITEMS)
        for token, span in template.keys().items():
            if token not in (item, number):
                self.stage.fail(f"{token} needs mode=multifield", span)
        rows, field, count = items_of(rows, name, self.mode, context)
        if count > MAX_ITEMS:
            self.stage.unsupported(f"foreach over more than {MAX_ITEMS} values")
        value, place = context.spare("item"), context.spare("place")
        text = template.named({item: value, number: place})
        pipeline = parse_pipeline(text, Span(0, len(text.text)))
        for position in range(count):
            one = Call("mvindex", (Field(field), Const(float(position))))
            names: dict[str, Expr] = {value: one, place: Const(float(position))}
            rows = evaluated_for_items(self.stage, pipeline, rows, one, names, context)
        return without(rows, field)
