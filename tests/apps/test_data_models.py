"""Source: Knowledge Manager Manual, "About data models" (inheritance of data sets)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from app_writing import write_app

from harness.apps import (
    AppTooLarge,
    AppUnreadable,
    DataModel,
    UnknownDataModel,
    datamodels,
    load_apps,
)

if TYPE_CHECKING:
    from pathlib import Path


def one_field(name: str, owner: str, kind: str = "string") -> dict[str, Any]:
    return {"fieldName": name, "owner": owner, "type": kind, "required": False, "hidden": False}


def calculation(name: str, owner: str, expression: str, kind: str = "Eval") -> dict[str, Any]:
    return {
        "calculationType": kind,
        "owner": owner,
        "expression": expression,
        "inputField": "_raw",
        "outputFields": [one_field(name, owner)],
    }


CHANGE: dict[str, Any] = {
    "modelName": "Change",
    "objects": [
        {
            "objectName": "Instance_Changes",
            "parentName": "All_Changes",
            "fields": [one_field("image_id", "Instance_Changes", "number")],
            "calculations": [
                calculation("size", "Instance_Changes", "(?<size>x)", "Rex"),
                calculation("place", "Instance_Changes", "", "GeoIP"),
            ],
            "constraints": [{"search": "tag=instance", "owner": "Instance_Changes"}],
        },
        {
            "objectName": "All_Changes",
            "parentName": "BaseEvent",
            "fields": [
                one_field("_time", "BaseEvent", "timestamp"),
                one_field("host", "BaseEvent"),
                one_field("object", "All_Changes"),
            ],
            "calculations": [calculation("user", "All_Changes", 'if(isnull(user),"unknown",user)')],
            "constraints": [{"search": "tag=change", "owner": "All_Changes"}],
        },
        {
            "objectName": "Saved",
            "parentName": "BaseSearch",
            "baseSearch": "index=main | stats count by user",
            "fields": [one_field("count", "Saved", "number")],
        },
        {
            "objectName": "Sessions",
            "parentName": "BaseTransaction",
            "transaction": {"fieldsToGroupBy": ["user"]},
        },
    ],
}


def load(tmp_path: Path, document: object, name: str = "Change") -> DataModel:
    text = document if isinstance(document, str) else json.dumps(document, indent=1)
    app = write_app(tmp_path, "a", {f"default/data/models/{name}.json": text})
    return load_apps([app], builtin=False).data_model(name)


def test_a_child_has_its_parents_constraints_and_fields(tmp_path: Path) -> None:
    child = load(tmp_path, CHANGE).dataset("Instance_Changes")
    assert child.lineage == ("All_Changes", "Instance_Changes")
    assert child.constraints == ("tag=change", "tag=instance")
    assert [(one.qualified_name, one.kind, one.type) for one in child.fields] == [
        ("_time", "inherited-base", "timestamp"),
        ("host", "inherited-base", "string"),
        ("All_Changes.object", "extracted", "string"),
        ("All_Changes.user", "calculated", "string"),
        ("All_Changes.Instance_Changes.image_id", "extracted", "number"),
        ("All_Changes.Instance_Changes.size", "calculated", "string"),
        ("All_Changes.Instance_Changes.place", "calculated", "string"),
    ]


def test_calculations(tmp_path: Path) -> None:
    child = load(tmp_path, CHANGE).dataset("Instance_Changes")
    user, size, place = (child.field(name) for name in ("user", "size", "place"))
    assert user is not None
    assert size is not None
    assert place is not None
    assert (user.calculation, user.expression) == ("Eval", 'if(isnull(user),"unknown",user)')
    assert (size.calculation, size.expression, size.input_field) == ("Rex", "(?<size>x)", "_raw")
    assert (user.unsupported, size.unsupported) == (None, None)
    assert place.unsupported == "`place` is nothing that a location has"


def test_an_export_that_repeats_inherited_fields_means_the_same(tmp_path: Path) -> None:
    document = json.loads(json.dumps(CHANGE))
    child, parent = document["objects"][0], document["objects"][1]
    child["fields"] = parent["fields"] + child["fields"]
    child["calculations"] = parent["calculations"] + child["calculations"]
    child["constraints"] = parent["constraints"] + child["constraints"]
    repeated = load(tmp_path / "1", document).dataset("Instance_Changes")
    own_only = load(tmp_path / "2", CHANGE).dataset("Instance_Changes")
    assert repeated.constraints == own_only.constraints
    names = [one.qualified_name for one in own_only.fields]
    assert [one.qualified_name for one in repeated.fields] == names


def test_fields_by_plain_and_qualified_name(tmp_path: Path) -> None:
    child = load(tmp_path, CHANGE).dataset("Instance_Changes")
    assert child.field("image_id") == child.field("All_Changes.Instance_Changes.image_id")
    assert child.field("All_Changes.image_id") is None


def test_a_data_set_by_its_node_name(tmp_path: Path) -> None:
    model = load(tmp_path, CHANGE)
    assert model.dataset("All_Changes.Instance_Changes") is model.dataset("Instance_Changes")


def test_search_and_transaction_data_sets(tmp_path: Path) -> None:
    model = load(tmp_path, CHANGE)
    assert model.dataset("Saved").base_search == "index=main | stats count by user"
    assert model.dataset("All_Changes").base_search is None
    assert model.dataset("Sessions").unsupported == "a transaction data set"


def test_places_have_lines(tmp_path: Path) -> None:
    lines = json.dumps(CHANGE, indent=1).split("\n")
    field = load(tmp_path, CHANGE).dataset("Instance_Changes").field("image_id")
    assert field is not None
    assert field.place.line is not None
    assert '"image_id"' in lines[field.place.line - 1]


def test_unknown_names_have_the_nearest_as_hint(tmp_path: Path) -> None:
    model = load(tmp_path, CHANGE)
    with pytest.raises(UnknownDataModel, match="did you mean `All_Changes`"):
        model.dataset("all_change")
    with pytest.raises(UnknownDataModel, match="it has `All_Changes`, "):
        model.dataset("qqq")
    with pytest.raises(UnknownDataModel, match=r"model `Endpint`.*mean `Endpoint`"):
        load_apps().data_model("Endpint")


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("{", r"Change\.json:1:2: not JSON"),
        ("[]", "is a JSON object"),
        ("{}", "`modelName`"),
        ({"modelName": "Change", "objects": [{}]}, "`objectName`"),
        (
            {
                "modelName": "Change",
                "objects": [
                    {"objectName": "a", "parentName": "b"},
                    {"objectName": "b", "parentName": "a"},
                ],
            },
            r"Change\.json:5: the data set `a` descends from itself \(a > b > a\).*give one",
        ),
        (
            {"modelName": "Change", "objects": [{"objectName": "a", "parentName": "gone"}]},
            r"Change\.json:5: `a` has the parent `gone`, which is not there \(a root's parent is",
        ),
        (
            {"modelName": "Change", "objects": [{"objectName": "a", "fields": [{"x": 1}]}]},
            "no `fieldName`",
        ),
        ("[" * 200_000, "nested too deeply"),
        ('{"modelName": ' + "1" * 10_000 + "}", "not JSON that can be read"),
        ({"modelName": "Change", "objects": {"objectName": "a"}}, "`objects` is not a list"),
        (
            {"modelName": "Change", "objects": [{"objectName": "a", "fields": ["user"]}]},
            "`fields` is not a list of objects",
        ),
        (
            {"modelName": "Change", "objects": [{"objectName": "a"}, {"objectName": "a"}]},
            "two data sets are called `a`",
        ),
    ],
)
def test_a_file_that_is_no_data_model(tmp_path: Path, document: object, message: str) -> None:
    with pytest.raises(AppUnreadable, match=message):
        load(tmp_path, document)


def test_models_are_read_only_when_asked_for(tmp_path: Path) -> None:
    app = write_app(
        tmp_path, "a", {"default/data/models/Broken.json": "{", "local/data/models/X.json": "{}"}
    )
    apps = load_apps([app])
    assert {"Broken", "X", "Endpoint"} <= set(apps.data_models)
    assert apps.data_model("Endpoint").name == "Endpoint"


def test_a_whole_model_replaces_one_of_a_lower_layer(tmp_path: Path) -> None:
    app = write_app(
        tmp_path,
        "a",
        {
            "default/data/models/M.json": '{"modelName": "M", "objects": [{"objectName": "low"}]}',
            "local/data/models/M.json": '{"modelName": "M", "objects": [{"objectName": "high"}]}',
        },
    )
    model = load_apps([app]).data_model("M")
    assert [one.name for one in model.datasets] == ["high"]


def test_inheritance_cannot_multiply_fields_without_end(tmp_path: Path) -> None:
    # A few hundred kilobytes that would be ten million fields.
    root = {"objectName": "r", "fields": [one_field(f"f{n}", "r") for n in range(2_000)]}
    children = [{"objectName": f"c{n}", "parentName": "r"} for n in range(5_000)]
    document = {"modelName": "Change", "objects": [root, *children]}
    with pytest.raises(AppTooLarge, match=f"more than {datamodels.FIELDS_MAX:,} fields"):
        load(tmp_path, document)
