"""extract: fields from pairs of keys and values in the raw event."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.plan.expressions import Call, Const, Expr, Field
from harness.plan.nodes import Extend, Relation, Unfold
from harness.registry import command

if TYPE_CHECKING:
    from harness.registry.context import Context
    from harness.spl.arguments import Arguments
    from harness.spl.lexer import Token
    from harness.spl.pipeline import Stage

OPTIONS = "auto clean_keys kvdelim limit maxchars mv_add pairdelim reload segment".split()
LIMIT, MAXCHARS = 50, 10_240
ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


@command("extract", "kv")
@dataclass(frozen=True, slots=True)
class Extract:
    """extract [pairdelim=<characters> kvdelim=<characters>] [<option>…] [<stanza>…].

    Reads the first 10,240 characters of _raw (maxchars). With delimiters the text is cut into
    pairs at any character of pairdelim and each pair at any of kvdelim, outside double quotes;
    a pair whose value holds such a character is left out, as are those after the first 50
    (limit). Without delimiters it finds `key=value`, as events get it anyway. A stanza of
    transforms.conf is applied instead where one is named.

    Of a repeated key the first value counts, all of them with mv_add=true. Keys are cleaned
    (letters, digits, `_`) unless clean_keys=false. `auto=f` leaves `key=value` out, reload=true
    changes nothing, since settings are always read anew.

    Not supported: segment=true, one kind of delimiter without the other, and a stanza together
    with delimiters, limit, mv_add or clean_keys, which its own settings say.

    Source: Search Reference, extract; transforms.conf, DELIMS, CLEAN_KEYS and MV_ADD.
    """

    stage: Stage
    delimiters: tuple[str, str] | None
    automatic: bool
    tells: bool
    limit: int
    maxchars: int
    clean: bool
    adds: bool
    stanzas: tuple[str, ...]

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the options and the stanzas."""
        arguments = stage.arguments
        options, stanzas = cls._given(arguments)
        numbers = {"limit": LIMIT, "maxchars": MAXCHARS}
        flags = {"auto": True, "clean_keys": True, "mv_add": False, "reload": False}
        for name, token in options.items():
            if name in numbers:
                numbers[name] = arguments.integer(token, name, minimum=1)
            elif name not in ("pairdelim", "kvdelim"):
                flags[name] = arguments.boolean(token, name)
        if flags.get("segment"):
            stage.unsupported("extract with segment=true", options["segment"].span)
        delimiters = cls._delimiters(stage, options)
        tells = [options[name] for name in ("limit", "mv_add", "clean_keys") if name in options]
        if tells and stanzas:
            stage.unsupported("extract with this option and a stanza", tells[0].span)
        if delimiters is not None and stanzas:
            stage.unsupported("extract with delimiters and a stanza", options["pairdelim"].span)
        return cls(
            stage,
            delimiters,
            flags["auto"] and not stanzas,
            bool(tells),
            numbers["limit"],
            numbers["maxchars"],
            flags["clean_keys"] and (delimiters is not None or "clean_keys" in options),
            flags["mv_add"],
            tuple(stanzas),
        )

    @staticmethod
    def _given(arguments: Arguments) -> tuple[dict[str, Token], list[str]]:
        options: dict[str, Token] = {}
        stanzas = []
        while not arguments.done:
            if arguments.accept(","):
                continue
            if arguments.at_option():
                options.update(arguments.options(OPTIONS))
                continue
            stanzas.append(arguments.field("a stanza of transforms.conf"))
        return options, stanzas

    @staticmethod
    def _delimiters(stage: Stage, options: dict[str, Token]) -> tuple[str, str] | None:
        given = [options[name] for name in ("pairdelim", "kvdelim") if name in options]
        if not given:
            return None
        if len(given) == 1:
            stage.unsupported(
                "extract with one kind of delimiter", given[0].span, "give pairdelim and kvdelim"
            )
        for token in given:
            if not token.value:
                stage.fail("a delimiter is at least one character", token.span)
        return _meant(given[0].value), _meant(given[1].value)

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Unfold the pairs, or apply the stanzas."""
        if rows is None:
            self.stage.fail(f"`{self.stage.name}` cannot begin a search")
        for name in self.stanzas:
            rows = context.extracted(rows, name, self.stage)
        if self.delimiters is None and not self.automatic:
            return rows
        most = (Const(1.0), Const(float(self.maxchars)))
        text: Expr = Call("substr", (Field("_raw"), *most))
        reader, names = "auto_field", "auto_names"
        if self.delimiters is not None or self.tells:
            cuts = (Const(one) for one in self.delimiters or ())
            told = (Const(float(self.limit)), Const(self.clean), Const(self.adds))
            object_of = "auto_object" if self.delimiters is None else "pair_object"
            text = Call(object_of, (text, *cuts, *told))
            reader, names = "object_value", "object_names"
        source = context.spare("pairs")
        return Unfold(Extend(rows, ((source, text),)), source, reader, names)


def _meant(characters: str) -> str:
    r"""Delimiters with `\n`, `\t` and `\r` meant."""
    found, written = [], iter(characters)
    for character in written:
        if character == "\\":
            following = next(written, "\\")
            found.append(ESCAPES.get(following, following))
        else:
            found.append(character)
    return "".join(found)
