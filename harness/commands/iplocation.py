"""iplocation: city, country, region and coordinates of IP addresses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.plan.expressions import Call, Const, Expr, Field
from harness.plan.nodes import Extend, Relation
from harness.registry import command

if TYPE_CHECKING:
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage

OPTIONS = ("allfields", "lang", "prefix")
FIELDS = ("City", "Country", "Region", "lat", "lon")
ALL_FIELDS = (*FIELDS, "Continent", "MetroCode", "Timezone")
LANGUAGE = "en"


@command("iplocation")
@dataclass(frozen=True, slots=True)
class Iplocation:
    """iplocation [prefix=<text>] [allfields=<bool>] [lang=<languages>] <field>.

    Adds City, Country, Region, lat and lon; with allfields=true also Continent, MetroCode and
    Timezone. What the database lacks of an address that it knows is empty; an address that it
    does not know, or a field of several values, gets no fields. A subnet (`192.0.2.0/24`) is
    where its address is. lang names languages in the order of preference, separated by commas;
    `code` stands for the two-letter codes of ISO.

    The locations are those of a file in MaxMind's format that the user names with --iplocation;
    none comes with the harness, so the fields differ from Splunk's as the two files do.

    Source: Search Reference, iplocation.
    """

    stage: Stage
    field: str
    prefix: str
    names: tuple[str, ...]
    languages: str

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the options and the field."""
        arguments = stage.arguments
        options = arguments.options(OPTIONS)
        field = arguments.field("a field with IP addresses")
        options.update(arguments.options(OPTIONS))
        arguments.finish()
        every = "allfields" in options and arguments.boolean(options["allfields"], "allfields")
        languages = LANGUAGE
        if "lang" in options:
            named = [one.strip() for one in options["lang"].value.split(",")]
            if not all(named):
                stage.fail("lang names languages: es,en", options["lang"].span)
            languages = ",".join(named)
        prefix = options["prefix"].value if "prefix" in options else ""
        return cls(stage, field, prefix, ALL_FIELDS if every else FIELDS, languages)

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """Add the fields."""
        if rows is None:
            self.stage.fail("`iplocation` cannot begin a search")
        database = Const(context.locations(rows, self.stage))

        def value(name: str) -> Expr:
            if database.value is None:
                return Field(self.prefix + name)
            parts = (database, Const(name), Const(self.languages))
            found = Call("ip_location", (Field(self.field), *parts))
            return Call("coalesce", (found, Field(self.prefix + name)))

        return Extend(rows, tuple((self.prefix + name, value(name)) for name in self.names))
