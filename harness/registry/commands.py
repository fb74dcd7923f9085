"""The commands of SPL: one module of `harness.commands` each, imported when a search uses it."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self, TypeVar

from harness.errors import HarnessError, Unsupported, nearest
from harness.plan.expressions import FALSE
from harness.plan.nodes import Filter
from harness.registry.substitutions import subsearches, substituted
from harness.registry.unsupported import UNSUPPORTED_COMMANDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.plan.nodes import Relation
    from harness.registry.context import Context
    from harness.spl.pipeline import Stage

PACKAGE = "harness.commands"
EXCERPT = 200


class UnknownCommand(HarnessError):
    """A stage begins with a word that is no command of Splunk's."""


class Command(Protocol):
    """One command: parsed from a stage's arguments, then lowered onto the rows before it."""

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Read the arguments; what Splunk knows and we do not raises `Unsupported`."""
        ...

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """The relation that the command gives; `rows` is None where it begins a search."""
        ...


C = TypeVar("C")
_commands: dict[str, type[Command]] = {}


class DuplicateName(RuntimeError):
    """Two modules claim one name: a defect of ours."""


def command(*names: str) -> Callable[[type[C]], type[C]]:
    """Register a command under its SPL names."""

    def register(cls: type[C]) -> type[C]:
        for name in names:
            if name in _commands:
                raise DuplicateName(f"two commands are called `{name}`")
            _commands[name] = cls  # type: ignore[assignment]
        return cls

    return register


def find_command(stage: Stage) -> type[Command]:
    """The command of a stage; unknown names and those left out on purpose are errors."""
    name = stage.name.lower()
    if name not in _commands and name in _modules():
        importlib.import_module(f"{PACKAGE}.{name}")
    if name not in _commands:
        command_names()
    if name in _commands:
        return Substituted if subsearches(stage) else _commands[name]
    place, hints = stage.text.place(stage.name_span), stage.text.hints(stage.name_span)
    if name in UNSUPPORTED_COMMANDS:
        reason = UNSUPPORTED_COMMANDS[name]
        raise Unsupported(f"the command `{name}`: {reason}", place=place, hints=hints)
    known = sorted({*_commands, *SPLUNK_COMMANDS})
    if stage.raw.startswith(("=", "!=", "<", ">")):
        hints = (f"to filter rows write `search {stage.name}{stage.raw[:20]}`", *hints)
    else:
        hints = (*nearest(name, known), *hints)
    raise UnknownCommand(f"unknown command `{stage.name}`", place=place, hints=hints)


@dataclass(frozen=True, slots=True)
class Substituted:
    """A command with subsearches in its arguments, which are read when their results are known."""

    stage: Stage

    @classmethod
    def parse(cls, stage: Stage) -> Self:
        """Nothing can be read yet."""
        return cls(stage)

    def lower(self, rows: Relation | None, context: Context) -> Relation:
        """What the command does with the results; nothing is left where a subsearch has none."""
        following = substituted(self.stage, context)
        if following is not None:
            return self._read(following).lower(rows, context)
        if rows is None:
            self.stage.fail("a subsearch of a command that begins a search gives nothing")
        return Filter(rows, FALSE)

    def _read(self, following: Stage) -> Command:
        try:
            return find_command(following).parse(following)
        except HarnessError as error:
            error.place = self.stage.text.place(subsearches(self.stage)[0])
            read = f"{following.name} {following.raw[:EXCERPT]}"
            error.hints = (*error.hints, f"with the result of the subsearch it reads `{read}`")
            raise


def command_names() -> list[str]:
    """Every name under which a command is known, all modules imported."""
    for module in _modules():
        importlib.import_module(f"{PACKAGE}.{module}")
    return sorted(_commands)


def _modules() -> frozenset[str]:
    package = importlib.import_module(PACKAGE)
    return frozenset(module.name for module in pkgutil.iter_modules(package.__path__))


SPLUNK_COMMANDS = frozenset(
    """
    abstract accum addcoltotals addinfo addtotals af ai analyzefields anomalies anomalousvalue
    anomalydetection append appendcols appendpipe apply arules associate autoregress awssnsalert
    bin bucket bucketdir chart cluster cofilter collect concurrency contingency convert
    correlate counttable createrss cyberchef datamodel dbinspect dedup delete deletemodel
    delta diff dump entitymerge erex eval eventcount eventstats extract fieldformat fields
    fieldsummary filldown fillnull findtypes fit folderize foreach format from fromjson gauge
    gentimes geom geomfilter geostats head highlight history iconify inputcsv inputintelligence
    inputlookup iplocation join kmeans kv kvform listmodels loadjob localize localop lookup
    makecontinuous makemv makeresults map mcatalog mcollect metadata metasearch meventcollect
    mpreview msearch mstats multikv multisearch mvcombine mvexpand nomv noop outlier outputcsv
    outputlookup outputtelemetry outputtext overlap pivot predict prjob rangemap rare rawstats
    redistribute regex relevancy reltime rename replace require rest return reverse rex rtorder
    run runshellscript sample savedsearch score script scrub search searchtxn selfjoin sendalert
    sendemail set setfields sichart sirare sistats sitimechart sitop snowevent snoweventstream
    snowincident snowincidentstream sort spath stats strcat streamstats summary surrounding
    table tags tail timechart timewrap tojson top transaction transpose trendline tscollect
    tstats typeahead typelearner typer union uniq untable walklex where x11 xmlkv xmlunescape
    xpath xyseries
    """.split()
)
"""The names in Splunk's Search Reference, with those of apps that detections use."""
