from __future__ import annotations

import codecs
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from app_writing import write_app

from harness.apps import (
    AppEscape,
    AppNameTaken,
    AppNotFound,
    AppTooLarge,
    AppUnreadable,
    folder,
    load_apps,
)

if TYPE_CHECKING:
    from pathlib import Path


def test_a_byte_order_mark_is_no_part_of_the_first_header(tmp_path: Path) -> None:
    app = write_app(tmp_path, "a", {"default/macros.conf": "\ufeff[m]\ndefinition = 1\n"})
    assert ("m", 0) in load_apps([app]).macros


def test_bytes_that_are_no_utf8_are_replaced_and_reported(tmp_path: Path) -> None:
    app = write_app(tmp_path, "a", {})
    (app / "default/macros.conf").write_bytes(b"[m]\ndefinition = 1\n[n]\ndefinition = \xff\n")
    apps = load_apps([app])
    assert apps.macros["m", 0].definition == "1"
    assert [one.place.line for one in apps.warnings if "UTF-8" in one.message] == [4]


def test_utf16_is_refused(tmp_path: Path) -> None:
    app = write_app(tmp_path, "a", {})
    text = "[m]\ndefinition = 1\n".encode("utf-16-le")
    (app / "default/macros.conf").write_bytes(codecs.BOM_UTF16_LE + text)
    with pytest.raises(AppUnreadable, match=r"macros\.conf:1: the file is UTF-16.*save it as"):
        _ = load_apps([app]).macros


def test_a_file_has_a_greatest_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = write_app(tmp_path, "a", {"default/macros.conf": "[m]\ndefinition = 1\n"})
    apps = load_apps([app])
    with (app / "default/macros.conf").open("ab") as file:
        file.truncate(folder.CONF_BYTES_MAX + 1)
    with pytest.raises(AppTooLarge, match=r"macros\.conf: the file is larger than 8 MiB"):
        _ = apps.macros


def test_a_symlink_out_of_the_app_is_refused(tmp_path: Path) -> None:
    secret = tmp_path / "secret.conf"
    secret.write_text("[m]\ndefinition = secret\n")
    app = write_app(tmp_path, "a", {})
    (app / "default/macros.conf").symlink_to(secret)
    with pytest.raises(AppEscape, match="leads out of the app"):
        _ = load_apps([app]).macros


def test_a_symlinked_folder_out_of_the_app_is_refused(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "t.csv").write_text("a,b\n")
    app = write_app(tmp_path, "a", {})
    (app / "lookups").symlink_to(outside)
    with pytest.raises(AppEscape):
        _ = load_apps([app]).lookups


def test_a_symlink_inside_the_app_is_followed(tmp_path: Path) -> None:
    app = write_app(tmp_path, "a", {"default/real.conf": "[m]\ndefinition = 1\n"})
    (app / "default/macros.conf").symlink_to("real.conf")
    assert ("m", 0) in load_apps([app]).macros


def test_an_app_may_itself_be_a_symlink(tmp_path: Path) -> None:
    app = write_app(tmp_path, "real", {"default/macros.conf": "[m]\ndefinition = 1\n"})
    (tmp_path / "link").symlink_to(app)
    assert ("m", 0) in load_apps([tmp_path / "link"]).macros


def test_a_path_without_an_app(tmp_path: Path) -> None:
    with pytest.raises(AppNotFound, match="no such folder"):
        load_apps([tmp_path / "missing"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(AppNotFound, match="no Splunk app"):
        load_apps([tmp_path / "empty"])
    (tmp_path / "file").write_text("")
    with pytest.raises(AppNotFound, match="neither a folder nor an archive"):
        load_apps([tmp_path / "file"])


def test_the_folder_around_an_app_names_the_app(tmp_path: Path) -> None:
    write_app(tmp_path / "around", "the_app", {})
    with pytest.raises(AppNotFound, match="the_app"):
        load_apps([tmp_path / "around"])


def test_two_apps_of_one_name(tmp_path: Path) -> None:
    first = write_app(tmp_path / "one", "a", {})
    second = write_app(tmp_path / "two", "a", {})
    with pytest.raises(AppNameTaken, match="already loaded"):
        load_apps([first, second])
    assert load_apps([first, first], builtin=False).names == ("system", "a")


def test_an_app_of_a_builtin_ones_name_needs_the_builtin_ones_out(tmp_path: Path) -> None:
    app = write_app(tmp_path, "SA_harness_cim", {})
    with pytest.raises(AppNameTaken, match="built-in"):
        load_apps([app])
    assert load_apps([app], builtin=False).names == ("system", "SA_harness_cim")


def test_what_is_not_used_is_listed_with_a_reason(tmp_path: Path) -> None:
    app = write_app(
        tmp_path,
        "a",
        {
            "bin/run.py": "raise SystemExit",
            "default/inputs.conf": "[monitor:///x]\n",
            "default/savedsearches.conf": "[s]\nsearch = x\n",
            "default/data/ui/views/x.xml": "<x/>",
            "default/macros.conf": "[m]\ndefinition = 1\n",
            "lookups/geo.mmdb": "",
            "lookups/t.csv": "a\n",
            "README.txt": "",
        },
    )
    ignored = {entry.path: entry.reason for entry in load_apps([app], builtin=False).ignored}
    assert set(ignored) == {
        "bin/",
        "default/inputs.conf",
        "default/data/ui/",
        "lookups/geo.mmdb",
        "README.txt",
    }
    assert "never run" in ignored["bin/"]


def test_reading_the_builtin_apps_imports_nothing_heavy() -> None:
    code = (
        "import sys; from harness.apps import load_apps; apps = load_apps();"
        "apps.props_for('XmlWinEventLog:Security', 'XmlWinEventLog'); apps.eventtypes;"
        "apps.data_model('Endpoint');"
        "print([m for m in ('regex', 'duckdb', 'sqlglot', 'yaml') if m in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    app = write_app(tmp_path, "a", {})
    os.mkfifo(app / "default/macros.conf")
    with pytest.raises(AppUnreadable, match=r"macros\.conf: not a plain file"):
        _ = load_apps([app]).macros


def test_a_folder_in_a_files_place(tmp_path: Path) -> None:
    app = write_app(tmp_path, "a", {})
    (app / "default/macros.conf").mkdir()
    with pytest.raises(AppUnreadable, match=r"macros\.conf: not a plain file"):
        _ = load_apps([app]).macros


def test_a_folder_that_cannot_be_read(tmp_path: Path) -> None:
    app = write_app(tmp_path, "a", {})
    (app / "lookups").symlink_to("lookups")
    with pytest.raises(AppUnreadable, match=r"lookups: cannot be read: .*check its permissions"):
        _ = load_apps([app]).lookups


def test_a_folder_has_a_greatest_number_of_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = write_app(tmp_path, "a", {f"lookups/{n}.csv": "a\n1\n" for n in range(4)})
    monkeypatch.setattr(folder, "FILES_MAX", 4)
    assert "3.csv" in load_apps([app]).lookups
    (app / "lookups/4.csv").write_text("a\n1\n")
    with pytest.raises(AppTooLarge, match="more than 4 files in one folder"):
        _ = load_apps([app]).lookups
