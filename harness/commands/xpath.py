"""xpath: values out of XML by an XPath."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.plan.expressions import Call, Const, Expr, Field
from harness.plan.nodes import Extend, Relation
from harness.registry import command

if TYPE_CHECKING:
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage

OPTIONS = ("default", "field", "outfield")
NAME = r"[A-Za-z_][\w.-]*"
TEXT = r"(?:'[^'\]]*'|\"[^\"\]]*\")"
NAMESPACE = r"(?:\{[^{}]*\})?"
TAG = rf"{NAMESPACE}{NAME}"
PREDICATE = rf"\[(?:@?{TAG}(?:\s*!?=\s*{TEXT})?|\.\s*!?=\s*{TEXT}|\d+|last\(\)(?:-\d+)?)\]"
STEP = rf"(?:{TAG}|{NAMESPACE}\*|\.\.?)(?:{PREDICATE})*"
PATH = re.compile(
    rf"(?P<start>//?)?(?P<steps>{STEP}(?://?{STEP})*)"
    rf"(?:(?P<deep>//?)@(?P<attribute>{TAG})|/text\(\))?"
)


@command("xpath")
@dataclass(frozen=True, slots=True)
class Xpath:
    """xpath [outfield=<field>] "<xpath>" [field=<field>] [default=<text>].

    Each element that the path meets gives its text, or its attribute where the path ends in
    `/@name`; a `/text()` at the end changes nothing. What is empty gives nothing. Paths are those
    of Python's standard library: names,
    `{namespace}name`, `{*}name` in any namespace, `*`, `.`, `..`, `/`, `//`, and in brackets
    `[@a]`, `[@a='v']`, `[child]`, `[child='v']`, `[.='v']`, a position, `last()`. Other paths
    (functions, axes, prefixes) are not supported, since Splunk documents just these.
    A text with a prologue (`<?xml …?>`, a DOCTYPE) gives nothing, as in Splunk.

    The field is called xpath unless outfield says otherwise. Where nothing is found it gets the
    default, and without one keeps what it has.

    Source: Search Reference, xpath; Python Standard Library, xml.etree.ElementTree, "Supported
    XPath syntax".
    """

    stage: Stage
    source: str
    output: str
    path: str
    attribute: str | None
    default: str | None

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the options and the path."""
        arguments = stage.arguments
        options = arguments.options(OPTIONS)
        token = arguments.next("an XPath in quotes")
        options.update(arguments.options(OPTIONS))
        arguments.finish()
        found = PATH.fullmatch(token.value.strip())
        if found is None or found["deep"] == "//":
            stage.unsupported(
                "this XPath",
                token.span,
                "names, *, ., .., /, //, {namespace} and simple predicates are known",
            )
        path = f".{found['start'] or '/'}{found['steps']}"
        return cls(
            stage,
            options["field"].value if "field" in options else "_raw",
            options["outfield"].value if "outfield" in options else "xpath",
            path,
            found["attribute"],
            options["default"].value if "default" in options else None,
        )

    def lower(self, rows: Relation | None, context: Context) -> Relation:  # noqa: ARG002
        """Add the field."""
        if rows is None:
            self.stage.fail("`xpath` cannot begin a search")
        told = (Const(self.path), Const(self.attribute))
        found = Call("xpath_values", (Field(self.source), *told))
        other: Expr = Field(self.output) if self.default is None else Const(self.default)
        return Extend(rows, ((self.output, Call("coalesce", (found, other))),))
