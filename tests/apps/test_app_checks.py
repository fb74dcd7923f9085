"""What is odd in an app, what has no effect, and how `harness apps` tells of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from app_writing import write_app
from click.testing import CliRunner

from harness.apps import inventory_of, load_apps
from harness.apps.specification import files, known_settings, setting_of
from harness.cli import cli

if TYPE_CHECKING:
    from pathlib import Path


def warned(tmp_path: Path, **confs: str) -> list[str]:
    files = {f"default/{name}.conf": text for name, text in confs.items()}
    app = write_app(tmp_path, "a", files)
    found = load_apps([app], builtin=False).warnings
    return [str(one).removeprefix(f"{app}/default/") for one in found]


@pytest.mark.parametrize(
    ("conf", "text", "message"),
    [
        # The line is left out by Splunk too, and the ones around it count.
        ("props", "[s]\nTZ UTC\n", "props.conf:2: `TZ UTC` is neither a [stanza] nor `key = val"),
        ("props", "[s\nTZ = UTC\n", "props.conf:1: `[s` has no closing `]`"),
        ("props", "[s]\nFIELDALAIS-x = a AS b\n", "props.conf:2: `FIELDALAIS-x` is no setting"),
        ("props", "[s]\nFIELDALAIS-x = a AS b\n", "did you mean `FIELDALIAS-<class>`"),
        ("props", "[s]\nkv_mode = xml\n", "did you mean `KV_MODE`"),
        ("props", "[s]\nKV_MODE = guess\n", "props.conf:2: KV_MODE is none of none, auto,"),
        ("props", "[sourcetype::x]\nTZ = UTC\n", "`[sourcetype::x]` matches nothing: a source"),
        ("props", "[x:*]\nTZ = UTC\n", "`[x:*]` matches nothing: a source type's name is no pat"),
        ("props", "[source::]\nTZ = UTC\n", "`[source::]` matches nothing: there is no pattern"),
        ("props", "[x]\nREPORT-a = gone\n", "props.conf:2: no transform `gone` in any app's"),
        ("props", "[x]\nLOOKUP-a = gone f OUTPUT g\n", "props.conf:2: no lookup `gone` in any"),
        ("props", "[x]\nKV_MODE = multi:y\n", "props.conf:2: KV_MODE = multi:<stanza>: tables"),
        ("props", "[x]\nKV_MODE = multi_y\n", "props.conf:2: KV_MODE = multi:<stanza>: tables"),
        ("props", "[x]\nINDEXED_EXTRACTIONS = hec\n", "INDEXED_EXTRACTIONS = hec: only csv, tsv,"),
        ("props", "[x]\nINDEXED_EXTRACTIONS = JSON\nKV_MODE = json\n", "props.conf:3: with INDEX"),
        ("tags", "[eventtype=gone]\nx = enabled\n", "tags.conf:1: tags for the event type `gone`"),
        ("transforms", "[t]\nREGXE = x\n", "transforms.conf:2: `REGXE` is no setting of trans"),
        ("savedsearches", "[s]\nsearch = x\nserach = y\n", "`serach` is no setting of savedsea"),
        ("collections", "[c]\nfield.a = nubmer\n", "`nubmer` is no kind of field did you mean"),
        ("macros", "[m]\ndefinition = 1\niseva = 1\n", "did you mean `iseval`"),
    ],
)
def test_what_is_odd_is_warned_of(tmp_path: Path, conf: str, text: str, message: str) -> None:
    assert any(message in one for one in warned(tmp_path, **{conf: text}))


def test_what_is_known_is_not_warned_of(tmp_path: Path) -> None:
    found = warned(
        tmp_path,
        props="[x]\nEXTRACT-a = (?<a>x)\nTZ = UTC\n[(?::){0}x:*]\nTZ = UTC\n"
        "[(::){0}y:*]\nTZ = UTC\n"
        "[(?i)source::....zip]\nTRANSFORMS =\n"
        "[z]\nXML_INDEXED_EXTRACTIONS_PIPELINE = typing\nXML_IE_EXCLUDE_VALS = -\n"
        "[source::a*]\nTZ = UTC\n"
        "[rule::x]\nsourcetype = x\nMORE_THAN_80 = y\n",
        tags="[eventtype=e%201]\nx = enabled\n[host=h]\ny = enabled\n",
        eventtypes="[e 1]\nsearch = x\ncolor = none\n",
        savedsearches="[s]\nsearch = x\naction.anything.param.x = 1\ndisplay.general.type = x\n",
        transforms="[accepted_keys]\nmine = my_key\n",
    )
    assert found == []


def test_settings_without_effect_are_told_with_their_place(tmp_path: Path) -> None:
    app = write_app(
        tmp_path,
        "a",
        {
            "default/props.conf": "[x]\nNO_BINARY_CHECK = true\n[y]\nNO_BINARY_CHECK = true\n",
            "default/transforms.conf": "[t]\nexternal_cmd = run.py a b\nfields_list = a, b\n",
            "default/commands.conf": "[mine]\nfilename = mine.py\n",
            "default/datamodels.conf": "[M]\nacceleration = true\n",
            "default/inputs.conf": "[script://x]\n",
        },
    )
    apps = load_apps([app], builtin=False)
    found = {(one.what, one.path): one.reason for one in apps.ignored if one.app == "a"}
    assert found == {
        ("", "default/commands.conf"): "scripts of an app are never run",
        ("", "default/inputs.conf"): "collecting data is not part of a trial",
        (
            "NO_BINARY_CHECK",
            "default/props.conf:2 and 1 more",
        ): "a file that is named is read, whatever it holds",
        ("external_cmd", "default/transforms.conf:2"): (
            "not supported: scripts of an app are never run"
        ),
        ("acceleration", "default/datamodels.conf:2"): ("data models are always searched in full"),
        ("command mine", "default/commands.conf:1"): "scripts of an app are never run",
    }
    (unusable,) = inventory_of(apps, apps.folders[-1]).unusable
    assert unusable == (
        "lookup t (default/transforms.conf:1)",
        "a lookup by script: scripts of an app are never run",
    )


def test_a_setting_is_in_the_table_once() -> None:
    for file in files():
        keys = [one.key for one in known_settings(file)]
        assert sorted(set(keys)) == sorted(keys), file
        for one in known_settings(file):
            assert one.why
            found = setting_of(file, one.key.replace("<", "").replace(">", ""))
            assert found is not None


def run(*arguments: str) -> str:
    result = CliRunner(env={"COLUMNS": "80"}).invoke(cli, arguments)
    assert result.exception is None, result.output
    return result.output


def test_apps_list(tmp_path: Path) -> None:
    app = write_app(
        tmp_path,
        "TA_x",
        {
            "default/app.conf": "[launcher]\nversion = 1.2.3\n",
            "default/macros.conf": "[m]\ndefinition = 1\n[n]\ndefinition = 1\n",
            "lookups/t.csv": "a\n1\n",
            "default/transforms.conf": "[t]\nfilename = t.csv\n",
        },
    )
    off = write_app(tmp_path, "off", {"default/app.conf": "[install]\nstate = disabled\n"})
    text = run("apps", "list", "--app", str(app), "--app", str(off))
    rows = [line.split() for line in text.splitlines()]
    assert ["TA_x", "1.2.3", "given", "3", "1"] in rows
    assert ["off", "given,", "disabled"] in rows
    assert max(len(line.rstrip()) for line in text.splitlines()) <= 80
    listed = json.loads(run("apps", "list", "--json", "--app", str(app), "--no-builtin-apps"))
    assert [(one["name"], one["version"]) for one in listed] == [("system", ""), ("TA_x", "1.2.3")]


def test_apps_show(tmp_path: Path) -> None:
    first = write_app(tmp_path, "a", {"default/macros.conf": "[m]\ndefinition = 1\n"})
    last = write_app(
        tmp_path,
        "b",
        {
            "default/macros.conf": "[m]\ndefinition = 2\x1b[31m\n",
            "default/props.conf": "[x]\nNO_BINARY_CHECK = true\nTZZ = UTC\n",
        },
    )
    text = run("apps", "show", "b", "--app", str(first), "--app", str(last))
    assert "counts: 2\\x1b[31m" in text
    assert f"{first}/default/macros.conf:2: 1" in text.replace("\n", "")
    assert "NO_BINARY_CHECK (default/props.conf:2)\n    a file that is named is read" in text
    assert "default/props.conf:3\n    `TZZ` is no setting of props.conf" in text
    shown = json.loads(run("apps", "show", "b", "--json", "--app", str(first), "--app", str(last)))
    assert shown["overruled"][0]["setting"] == "macros.conf [m] definition"
    assert shown["holds"] == {"sources": ["x"], "macros": ["m"]}


def test_an_app_that_is_not_loaded() -> None:
    result = CliRunner().invoke(cli, ["apps", "show", "TA_harness_window"])
    assert "no loaded app is called `TA_harness_window`" in str(result.exception)
    assert "did you mean `TA_harness_windows`" in str(result.exception)
