"""spath: fields out of JSON and XML, by their paths."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.plan.expressions import Call, Const, Field
from harness.plan.nodes import Extend, Relation, Unfold
from harness.registry import command
from harness.registry.paths import PATH_EXAMPLES, is_path

if TYPE_CHECKING:
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage

OPTIONS = ("input", "output", "path")


@command("spath")
@dataclass(frozen=True, slots=True)
class Spath:
    """spath [input=<field>] [output=<field>] [path=<path> | <path>].

    A path is names with periods between them: `user.name`. After a name `{}` is every element
    of a JSON array, `{1}` one of them (JSON counts from 0, XML from 1), `{@id}` an attribute of
    an XML element. A path that meets several values gives a multivalue field; one that meets
    an object or an array of JSON gives its text.

    Without output the field is called like the path. Without a path every leaf becomes a field
    called like its path, read from the first 5,000 characters of the input (limits.conf,
    extraction_cutoff). Where the path leads nowhere the row keeps what it has.

    Source: Search Reference, spath; limits.conf, [spath].
    """

    stage: Stage
    source: str
    output: str
    path: str | None

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the options and the path, which may stand without its name."""
        arguments = stage.arguments
        options = arguments.options(OPTIONS)
        while not arguments.done:
            token = arguments.peek()
            if "path" in options or token is None:
                arguments.finish()
            arguments.field("a path")
            if token is not None:
                options["path"] = token
            options.update(arguments.options(OPTIONS))
        path = options["path"].value if "path" in options else None
        if "output" in options and path is None:
            span = options["output"].span
            stage.fail("`spath` with output needs a path", span, "add path=<path>")
        for token in options.values():
            if not token.value:
                stage.fail("a name is expected here", token.span)
        if path is not None and not is_path(path):
            stage.fail(f"`{path}` is no location path", options["path"].span, PATH_EXAMPLES)
        source = options["input"].value if "input" in options else "_raw"
        output = options["output"].value if "output" in options else path or ""
        return cls(stage, source, output, path)

    def lower(self, rows: Relation | None, context: Context) -> Relation:  # noqa: ARG002
        """Add the one field, or whichever ones the texts hold."""
        if rows is None:
            self.stage.fail("`spath` cannot begin a search")
        if self.path is None:
            return Unfold(rows, self.source, "spath_field", "spath_names")
        found = Call("spath_value", (Field(self.source), Const(self.path)))
        value = Call("coalesce", (found, Field(self.output)))
        return Extend(rows, ((self.output, value),))
