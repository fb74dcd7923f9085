"""What Splunk's app checks (`make appinspect`) want of every built-in app, without them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.apps import load_apps
from harness.apps.conf import parse_conf

BUILTIN = Path(load_apps.__code__.co_filename).parents[1] / "builtin"
APPS = sorted(one for one in BUILTIN.iterdir() if (one / "default").is_dir())


@pytest.mark.parametrize("app", [one for one in APPS if one.name != "system"], ids=lambda a: a.name)
def test_app_conf_says_what_the_app_is(app: Path) -> None:
    # app.conf.spec, [package], [id], [launcher]; the id is the folder's name.
    text = (app / "default/app.conf").read_text(encoding="utf-8")
    said = {
        (stanza.name, key): setting.value
        for stanza in parse_conf(text, path="app.conf", app=app.name).stanzas.values()
        for key, setting in stanza.settings.items()
    }
    assert said["package", "id"] == said["id", "name"] == app.name
    assert said["package", "check_for_updates"] == "false"
    assert said["launcher", "version"] == said["id", "version"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", said["id", "version"])
    assert said["launcher", "description"]
    assert said["launcher", "author"]
    assert said["ui", "label"]
    assert said["ui", "is_visible"] == "false"


@pytest.mark.parametrize("app", [one for one in APPS if one.name != "system"], ids=lambda a: a.name)
def test_it_exports_all_and_holds_nothing_local(app: Path) -> None:
    meta = (app / "metadata/default.meta").read_text(encoding="utf-8")
    assert "[]\naccess = read : [ * ], write : [ admin, sc_admin ]\nexport = system\n" in meta
    assert not (app / "local").exists()
    assert not (app / "metadata/local.meta").exists()
