"""Source: Splunk Admin Manual, "Configuration file precedence"; default.meta.conf.spec."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app_writing import write_app

from harness.apps import Apps, load_apps

if TYPE_CHECKING:
    from pathlib import Path


def setting(apps: Apps, key: str, sourcetype: str = "s") -> str | None:
    return apps.props_for("", sourcetype).settings.get(key)


def macro(apps: Apps, name: str) -> str | None:
    found = apps.macros.get((name, 0))
    return found.definition if found else None


def test_local_counts_over_default_setting_by_setting(tmp_path: Path) -> None:
    app = write_app(
        tmp_path,
        "a",
        {
            "default/props.conf": "[s]\nx = default\ny = default\n",
            "local/props.conf": "[s]\nx = local\n",
        },
    )
    apps = load_apps([app])
    assert (setting(apps, "x"), setting(apps, "y")) == ("local", "default")


def test_the_app_whose_name_comes_last_counts_and_even_over_anothers_local(tmp_path: Path) -> None:
    first = write_app(
        tmp_path,
        "aaa",
        {
            "default/props.conf": "[s]\nx = a\nonly_a = 1\n",
            "local/props.conf": "[s]\nx = a-local\n",
        },
    )
    last = write_app(tmp_path, "zzz", {"default/props.conf": "[s]\nx = z\n"})
    for order in ([first, last], [last, first]):
        apps = load_apps(order)
        assert setting(apps, "x") == "z"
        assert setting(apps, "only_a") == "1"


def test_the_order_is_that_of_ascii(tmp_path: Path) -> None:
    upper = write_app(tmp_path, "Z", {"default/props.conf": "[s]\nx = upper\n"})
    lower = write_app(tmp_path, "a", {"default/props.conf": "[s]\nx = lower\n"})
    assert setting(load_apps([upper, lower]), "x") == "lower"


def test_splunks_own_defaults_lie_below_every_app(tmp_path: Path) -> None:
    app = write_app(tmp_path, "A", {"default/props.conf": "[default]\nKV_MODE = none\n"})
    assert load_apps(builtin=False).props_for("", "s").kv_mode == "auto"
    assert load_apps([app], builtin=False).props_for("", "s").kv_mode == "none"


def test_without_metadata_an_app_counts_and_that_is_said(tmp_path: Path) -> None:
    app = write_app(tmp_path, "a", {"default/macros.conf": "[m]\ndefinition = 1\n"}, meta=None)
    apps = load_apps([app], builtin=False)
    assert macro(apps, "m") == "1"
    assert any("has no metadata" in warning.message for warning in apps.warnings)


def test_an_app_that_exports_nothing_does_not_count_and_that_is_said(tmp_path: Path) -> None:
    files = {"default/macros.conf": "[m]\ndefinition = 1\n"}
    app = write_app(tmp_path, "a", files, meta="[]\naccess = read : [ * ]\n")
    apps = load_apps([app], builtin=False)
    assert macro(apps, "m") is None
    assert any("exports nothing" in warning.message for warning in apps.warnings)
    assert any("[m]" in entry.reason for entry in apps.ignored)


def test_the_most_exact_word_on_exporting_counts(tmp_path: Path) -> None:
    meta = (
        "[]\nexport = none\n[macros]\nexport = system\n[macros/private]\nexport = none\n"
        "[props/my%20type/EVAL-shared]\nexport = system\n"
    )
    app = write_app(
        tmp_path,
        "a",
        {
            "default/macros.conf": "[shared]\ndefinition = 1\n[private]\ndefinition = 2\n",
            "default/props.conf": "[my type]\nEVAL-shared = 1\nEVAL-private = 2\n",
        },
        meta=meta,
    )
    apps = load_apps([app], builtin=False)
    assert (macro(apps, "shared"), macro(apps, "private")) == ("1", None)
    fields = [one.field for one in apps.props_for("", "my type").calculated]
    assert fields == ["shared"]


def test_local_meta_counts_over_default_meta(tmp_path: Path) -> None:
    app = write_app(
        tmp_path,
        "a",
        {
            "default/macros.conf": "[m]\ndefinition = 1\n",
            "metadata/local.meta": "[macros/m]\nexport = none\n",
        },
    )
    assert macro(load_apps([app], builtin=False), "m") is None


def test_the_builtin_add_ons_can_be_left_out() -> None:
    assert load_apps(builtin=False).names == ("system",)
    assert len(load_apps().names) > 1
    assert load_apps(builtin=False).eventtypes == {}


def test_places_name_the_file_and_line_that_counted(tmp_path: Path) -> None:
    app = write_app(tmp_path, "a", {"default/macros.conf": "# a\n\n[m]\ndefinition = 1\n"})
    place = load_apps([app]).macros["m", 0].place
    assert (place.path, place.line) == (str(app / "default/macros.conf"), 4)


def test_an_app_that_is_given_counts_over_the_built_in_ones(tmp_path: Path) -> None:
    # The user's Splunk does not have them: its add-ons have to come out as they are there.
    conf = "[auditd]\nLINE_BREAKER = (mine)\nKV_MODE = none\n"
    app = write_app(tmp_path, "A_mine", {"default/props.conf": conf})
    apps = load_apps([app])
    assert apps.settings_at_index_time("s", "auditd")["LINE_BREAKER"].value == "(mine)"
    assert apps.props_for("s", "auditd").settings["LINE_BREAKER"] == "(mine)"
    assert apps.props_for("s", "auditd").kv_mode == "none"
    (found,) = [one for one in apps.layers.disagreements("props") if one.key == "LINE_BREAKER"]
    assert found.reason == "an app that was given counts over the built-in ones: `A_mine`"


def test_at_index_time_the_first_app_counts_and_every_local_over_every_default(
    tmp_path: Path,
) -> None:
    # Admin Manual, "Configuration file precedence", global context: app local directories in
    # lexicographical order, then app default directories, then system default.
    first = write_app(tmp_path, "a", {"default/props.conf": "[x]\nTZ = a\nTRUNCATE = 1\n"}, meta="")
    last = write_app(
        tmp_path,
        "b",
        {
            "default/props.conf": "[x]\nTZ = b\n[source::s]\nTIME_FORMAT = %s\n",
            "local/props.conf": "[x]\nTRUNCATE = 2\n",
        },
    )
    found = load_apps([last, first], builtin=False).settings_at_index_time("s", "x")
    assert {key: found[key].value for key in ("TZ", "TRUNCATE", "TIME_FORMAT")} == {
        "TZ": "a",
        "TRUNCATE": "2",
        "TIME_FORMAT": "%s",
    }


def test_a_built_in_add_on_is_left_out_where_the_one_is_given_that_it_stands_in_for(
    tmp_path: Path,
) -> None:
    given = write_app(tmp_path, "Splunk_TA_nix", {"default/props.conf": "[df]\nKV_MODE = multi\n"})
    apps = load_apps([given])
    assert "Splunk_TA_nix" in apps.names
    assert "TA_harness_nix" not in apps.names
    assert [app.name for app in apps.disabled] == ["TA_harness_nix"]
    assert "TA_harness_nix" in load_apps([write_app(tmp_path, "other", {})]).names


def test_the_list_of_add_ons_names_built_in_ones() -> None:
    stanzas = load_apps().layers.system_conf("add_ons")
    assert not stanzas.keys() - set(load_apps().names)
    assert all(stanza.settings.keys() == {"INSTEAD_OF"} for stanza in stanzas.values())
