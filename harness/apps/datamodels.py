"""Data models: `data/models/<name>.json` in Splunk's own format, inheritance resolved.

Source of the rules: Splunk Knowledge Manager Manual, "About data models" and "Design data
models"; the JSON's keys are those that Splunk's REST endpoint `datamodel/model` documents.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from harness.apps.faults import AppTooLarge, AppUnreadable, UnknownDataModel
from harness.errors import Place, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FieldKind = Literal["inherited-base", "extracted", "calculated"]
_ROOTS = ("BaseEvent", "BaseSearch", "BaseTransaction", "BaseInterface", "BaseImplements")
_CALCULATIONS = ("Eval", "Rex", "Lookup", "GeoIP")
_LOCATIONS = {name.lower(): name for name in ("lat", "lon", "City", "Region", "Country")}
_LINEAGE_MAX = 50
FIELDS_MAX = 100_000


@dataclass(frozen=True, slots=True)
class ModelField:
    """A field of a data set.

    `qualified_name` has the lineage of the data set that *declares* it
    (`All_Changes.Instance_Changes.image_id`); `_time`, `host`, `source` and `sourcetype`
    (kind `inherited-base`) have none. `expression` is the eval text of a calculated field, or
    the regex of one by Rex, which is applied to `input_field`. One by Lookup is the `output`
    column of the table `lookup` where its `inputs` match, which are (column, field); one by GeoIP
    is what `output` names of the place of the address in `input_field`. Events without a
    `required` field are not of the data set. `unsupported` says why a calculation cannot be made.
    """

    name: str
    qualified_name: str
    kind: FieldKind
    expression: str | None = None
    type: str = "string"
    calculation: str | None = None
    input_field: str | None = None
    multivalue: bool = False
    hidden: bool = False
    required: bool = False
    lookup: str | None = None
    inputs: tuple[tuple[str, str], ...] = ()
    output: str | None = None
    unsupported: str | None = None
    place: Place = field(default_factory=Place)


@dataclass(frozen=True, slots=True)
class DataSet:
    """A data set with all that it inherits.

    `lineage` runs from the root data set to this one. `constraints` are searches that all
    have to hold, the root's first. `base_search` is the pipeline of a root search data set.
    """

    name: str
    lineage: tuple[str, ...]
    constraints: tuple[str, ...]
    fields: tuple[ModelField, ...]
    base_search: str | None = None
    unsupported: str | None = None
    place: Place = field(default_factory=Place)

    @property
    def looks_up(self) -> bool:
        """Whether a field of it comes from a lookup."""
        return any(one.lookup is not None for one in self.fields)

    def field(self, name: str) -> ModelField | None:
        """The field of a name, plain (`user`) or qualified (`Processes.user`)."""
        # The last of a name is the nearest: a data set's own follow those that it inherits.
        for candidate in reversed(self.fields):
            if name in (candidate.qualified_name, candidate.name):
                return candidate
        return None


@dataclass(frozen=True, slots=True)
class DataModel:
    """A data model: its data sets, parents before their children."""

    name: str
    datasets: tuple[DataSet, ...]
    place: Place = field(default_factory=Place)

    def dataset(self, name: str) -> DataSet:
        """The data set of a name, or of a node name (`All_Changes.Instance_Changes`).

        Raises UnknownDataModel with the names that are most like it.
        """
        for dataset in self.datasets:
            if name in (dataset.name, ".".join(dataset.lineage)):
                return dataset
        known = [dataset.name for dataset in self.datasets]
        raise UnknownDataModel(
            f"the data model `{self.name}` has no data set `{name}`",
            place=self.place,
            hints=nearest(name, known) or [f"it has {', '.join(f'`{one}`' for one in known)}"],
        )


def data_model_of(text: str, *, path: str) -> DataModel:
    """Read one data model; AppUnreadable where the JSON is not one.

    Raises AppTooLarge where all data sets together, each with what it inherits, have more than
    FIELDS_MAX fields and constraints.
    """
    import json  # noqa: PLC0415 - 3 ms that only a search of a data model pays

    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise AppUnreadable(
            f"not JSON: {error.msg}",
            place=Place(path, error.lineno, error.colno),
            hints=["export the data model again"],
        ) from error
    except RecursionError as error:
        raise AppUnreadable("the JSON is nested too deeply", place=Place(path)) from error
    except ValueError as error:  # a number of more digits than Python converts
        raise AppUnreadable(f"not JSON that can be read: {error}", place=Place(path)) from error
    return _Model(document, text, path).read()


class _Model:
    """One document on its way to a DataModel."""

    def __init__(self, document: Any, text: str, path: str) -> None:
        self.document = document
        self.text = text
        self.path = path
        self.done: dict[str, DataSet] = {}
        self.fields = 0
        self.line_ends = [at for at, character in enumerate(text) if character == "\n"]

    def read(self) -> DataModel:
        if not isinstance(self.document, dict):
            raise self._fault("a data model is a JSON object")
        name = _word(self.document, "modelName")
        objects: dict[str, Mapping[str, Any]] = {}
        for one in self._records(self.document, "objects"):
            dataset = _word(one, "objectName")
            if dataset in objects:
                raise self._fault(f"two data sets are called `{dataset}`", dataset)
            objects[dataset] = one
        if not name or "" in objects:
            raise self._fault("`modelName` and every `objectName` have to be there")
        for dataset in objects:
            self._resolve(dataset, objects, ())
        return DataModel(name, tuple(self.done.values()), Place(self.path))

    def _resolve(
        self, name: str, objects: Mapping[str, Mapping[str, Any]], below: tuple[str, ...]
    ) -> DataSet:
        if name in self.done:
            return self.done[name]
        if name in below or len(below) > _LINEAGE_MAX:
            chain = " > ".join(reversed((*below, name)))
            raise self._fault(
                f"the data set `{name}` descends from itself ({chain})",
                name,
                "give one of them another `parentName`",
            )
        if name not in objects:
            hints = nearest(name, (*objects, *_ROOTS)) or ("a root's parent is `BaseEvent`",)
            raise self._fault(
                f"`{below[-1]}` has the parent `{name}`, which is not there", below[-1], *hints
            )
        record = objects[name]
        parent_name = _word(record, "parentName")
        parent = None
        if parent_name and parent_name not in _ROOTS:
            parent = self._resolve(parent_name, objects, (*below, name))
        dataset = self._dataset(name, record, parent)
        self.done[name] = dataset
        return dataset

    def _dataset(self, name: str, record: Mapping[str, Any], parent: DataSet | None) -> DataSet:
        lineage = (*(parent.lineage if parent else ()), name)
        constraints = list(parent.constraints if parent else ())
        for constraint in self._records(record, "constraints"):
            search = _word(constraint, "search")
            if search and search not in constraints:
                constraints.append(search)
        fields = {one.qualified_name: one for one in (parent.fields if parent else ())}
        start = max(self.text.find(f'"{name}"'), 0)
        for own in self._fields(record, lineage, start):
            if own.qualified_name not in fields or own.kind == "calculated":
                fields[own.qualified_name] = own
        self.fields += len(fields) + len(constraints)
        if self.fields > FIELDS_MAX:
            raise AppTooLarge(
                f"the data sets have more than {FIELDS_MAX:,} fields, inherited ones included",
                place=Place(self.path),
                hints=["split the model"],
            )
        transaction = "transaction" in record or _word(record, "parentName") == "BaseTransaction"
        return DataSet(
            name=name,
            lineage=lineage,
            constraints=tuple(constraints),
            fields=tuple(fields.values()),
            base_search=_word(record, "baseSearch") or (parent.base_search if parent else None),
            unsupported="a transaction data set" if transaction else None,
            place=self._place(start),
        )

    def _fields(
        self, record: Mapping[str, Any], lineage: tuple[str, ...], start: int
    ) -> Iterator[ModelField]:
        for one in self._records(record, "fields"):
            owner = _word(one, "owner")
            base = owner in _ROOTS
            yield self._field(one, lineage, start, kind="inherited-base" if base else "extracted")
        for calculation in self._records(record, "calculations"):
            kind = _word(calculation, "calculationType")
            for one in self._records(calculation, "outputFields"):
                yield self._field(
                    one,
                    lineage,
                    start,
                    kind="calculated",
                    expression=_word(calculation, "expression") or None,
                    calculation=kind,
                    input_field=_word(calculation, "inputField") or None,
                    unsupported=None if kind in _CALCULATIONS else f"a field by {kind or '?'}",
                    source=calculation,
                )

    def _field(
        self,
        record: Mapping[str, Any],
        lineage: tuple[str, ...],
        start: int,
        *,
        kind: FieldKind,
        expression: str | None = None,
        calculation: str | None = None,
        input_field: str | None = None,
        unsupported: str | None = None,
        source: Mapping[str, Any] | None = None,
    ) -> ModelField:
        name = _word(record, "fieldName")
        if not name:
            raise self._fault(f"a field of `{lineage[-1]}` has no `fieldName`")
        owner = _word(record, "owner") or ".".join(lineage)
        # Exports list inherited fields too, each with the data set that declares it.
        declared = owner if owner.count(".") else ".".join(_upto(lineage, owner))
        at = max(self.text.find(f'"{name}"', start), start)
        output = _word(record, "lookupOutputFieldName") or name
        if calculation == "GeoIP":
            found = _LOCATIONS.get(output.rpartition("_")[2].lower())
            unsupported = None if found else f"`{output}` is nothing that a location has"
            output = found or output
        lookup = _word(source, "lookupName") if source and calculation == "Lookup" else ""
        if calculation == "Lookup" and not lookup:
            unsupported = "a field by Lookup without `lookupName`"
        return ModelField(
            name=name,
            qualified_name=name if kind == "inherited-base" else f"{declared}.{name}",
            kind=kind,
            expression=expression,
            type=_word(record, "type") or "string",
            calculation=calculation,
            input_field=input_field,
            multivalue=bool(record.get("multivalue", False)),
            hidden=bool(record.get("hidden", False)),
            required=bool(record.get("required", False)),
            lookup=lookup or None,
            inputs=tuple(self._inputs(source)) if source and lookup else (),
            output=output if calculation in ("Lookup", "GeoIP") else None,
            unsupported=unsupported,
            place=self._place(at),
        )

    def _inputs(self, source: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """What a lookup matches, as (column, field): a list, or in older exports one pair."""
        for one in self._records(source, "lookupInputs") or [source]:
            field = _word(one, "inputField")
            if field:
                yield _word(one, "lookupField") or field, field

    def _records(self, record: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
        value = record.get(key)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            raise self._fault(f"`{key}` is not a list of objects")
        return value

    def _place(self, at: int) -> Place:
        return Place(self.path, bisect_left(self.line_ends, at) + 1)

    def _fault(self, message: str, data_set: str = "", *hints: str) -> AppUnreadable:
        """An error at a data set, or about the whole file."""
        at = self.text.find(f'"{data_set}"') if data_set else -1
        place = self._place(at) if at >= 0 else Place(self.path)
        return AppUnreadable(message, place=place, hints=hints or ("export the model again",))


def _upto(lineage: tuple[str, ...], owner: str) -> tuple[str, ...]:
    return lineage[: lineage.index(owner) + 1] if owner in lineage else lineage


def _word(record: Mapping[str, Any], key: str) -> str:
    value = record.get(key)
    return value.strip() if isinstance(value, str) else ""
