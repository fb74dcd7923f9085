"""Apps in archives, and two apps that disagree."""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
import zipfile
from typing import TYPE_CHECKING

import pytest
from app_writing import EXPORT_ALL, write_app

from harness.apps import AppNotFound, archives, load_apps
from harness.storage.bounds import Bounds
from harness.storage.errors import DamagedArchive, UnsafeArchive

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MACRO = {"default/macros.conf": "[m]\ndefinition = 1\n", "metadata/default.meta": EXPORT_ALL}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HARNESS_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def tar_of(path: Path, files: Mapping[str, str], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
    return path


def below(folder: str, files: Mapping[str, str]) -> dict[str, str]:
    return {f"{folder}/{name}": text for name, text in files.items()}


@pytest.mark.parametrize(
    ("name", "mode"),
    [("x.tgz", "w:gz"), ("x.tar.gz", "w:gz"), ("x.spl", "w:gz"), ("x.tar", "w"), ("X.SPL", "w")],
)
def test_an_app_in_a_tar(tmp_path: Path, name: str, mode: str) -> None:
    path = tar_of(tmp_path / name, below("TA_x", MACRO), mode)
    apps = load_apps([path], builtin=False)
    assert apps.names == ("system", "TA_x")
    assert apps.macros["m", 0].definition == "1"
    assert str(apps.macros["m", 0].place) == f"{path}/TA_x/default/macros.conf:2"


def test_an_app_in_a_zip(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as file:
        for name, text in below("repository-main/TA_x", MACRO).items():
            file.writestr(name, text)
    assert load_apps([tmp_path / "x.zip"], builtin=False).names == ("system", "TA_x")


def test_an_archive_may_hold_several_apps(tmp_path: Path) -> None:
    files = {**below("etc/apps/b", MACRO), **below("etc/apps/a", MACRO)}
    assert load_apps([tar_of(tmp_path / "x.tgz", files)], builtin=False).names[1:] == ("a", "b")


def test_an_app_inside_of_an_app_is_none(tmp_path: Path) -> None:
    files = {**below("a", MACRO), **below("a/appserver/b", MACRO)}
    assert load_apps([tar_of(tmp_path / "x.tgz", files)], builtin=False).names[1:] == ("a",)


def test_an_apps_files_at_the_top_are_called_as_app_conf_says(tmp_path: Path) -> None:
    named = {**MACRO, "default/app.conf": "[package]\nid = TA_named\n"}
    assert load_apps([tar_of(tmp_path / "x.tgz", named)], builtin=False).names[1:] == ("TA_named",)
    assert load_apps([tar_of(tmp_path / "y.tgz", MACRO)], builtin=False).names[1:] == ("y",)


def test_an_archive_is_unpacked_once(tmp_path: Path, cache: Path) -> None:
    path = tar_of(tmp_path / "x.tgz", below("TA_x", MACRO))
    load_apps([path])
    (unpacked,) = [one for one in (cache / "apps").iterdir() if one.is_dir()]
    before = unpacked.stat().st_mtime_ns
    load_apps([path])
    assert unpacked.stat().st_mtime_ns == before
    tar_of(path, below("TA_x", {**MACRO, "default/eventtypes.conf": "[e]\nsearch = x\n"}))
    assert "e" in load_apps([path]).eventtypes


def test_two_processes_at_once(tmp_path: Path) -> None:
    path = tar_of(tmp_path / "x.tgz", below("TA_x", MACRO))
    code = (
        "import sys; from pathlib import Path; from harness.apps import load_apps;"
        "print(load_apps([Path(sys.argv[1])]).macros['m', 0].definition)"
    )
    command = [sys.executable, "-c", code, str(path)]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert [process.communicate()[0].strip() for process in started] == ["1"] * 3


@pytest.mark.parametrize("name", ["/etc/x/default/a.conf", "../x/default/a.conf", "a/../../b"])
def test_an_archive_that_climbs_out(tmp_path: Path, cache: Path, name: str) -> None:
    path = tar_of(tmp_path / "x.tgz", {**below("TA_x", MACRO), name: "x"})
    with pytest.raises(UnsafeArchive, match=r"x\.tgz: .*lies outside its folder.*look at it"):
        load_apps([path])
    assert not [one for one in (cache / "apps").iterdir() if one.is_dir()]


def test_links_and_devices_are_refused(tmp_path: Path) -> None:
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE):
        with tarfile.open(tmp_path / "x.tgz", "w:gz") as tar:
            member = tarfile.TarInfo("TA_x/default/macros.conf")
            member.type, member.linkname = kind, "/etc/passwd"
            tar.addfile(member)
        with pytest.raises(UnsafeArchive, match="a link or a device"):
            load_apps([tmp_path / "x.tgz"])


@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        (Bounds(max_unpacked_bytes=1000), "more than 1000 bytes"),
        (Bounds(max_ratio=2, ratio_free_bytes=0), "more than 2 times its size"),
        (Bounds(max_entries=1), "more than 1 entries"),
    ],
)
def test_an_archive_that_explodes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bounds: Bounds, message: str
) -> None:
    monkeypatch.setattr(archives, "BOUNDS", bounds)
    path = tar_of(tmp_path / "x.tgz", below("a", {**MACRO, "lookups/x.csv": "a\n" * 100_000}))
    with pytest.raises(UnsafeArchive, match=message):
        load_apps([path])


def test_a_damaged_archive(tmp_path: Path) -> None:
    path = tar_of(tmp_path / "x.tgz", below("a", {**MACRO, "lookups/x.csv": "a\n" * 1000}))
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(DamagedArchive, match=r"x\.tgz: .*cannot be read to its end.*again"):
        load_apps([path])


def test_an_archive_without_an_app(tmp_path: Path) -> None:
    path = tar_of(tmp_path / "x.tgz", {"readme.txt": "no app"})
    with pytest.raises(AppNotFound, match=r"x\.tgz: the archive holds no Splunk app.*`default/`"):
        load_apps([path])
    with pytest.raises(AppNotFound, match=r"y\.spl: no such file"):
        load_apps([tmp_path / "y.spl"])


def test_a_disabled_app_does_not_count(tmp_path: Path) -> None:
    # app.conf.spec, [install] state: a disabled app's configurations are not read.
    disabled = {**MACRO, "default/app.conf": "[install]\nstate = disabled\n"}
    app = write_app(tmp_path, "a", disabled)
    apps = load_apps([app], builtin=False)
    assert (apps.names, [one.name for one in apps.disabled]) == (("system",), ["a"])
    (app / "local").mkdir()
    (app / "local/app.conf").write_text("[install]\nstate = enabled\n")
    assert load_apps([app], builtin=False).names == ("system", "a")


def test_two_apps_that_disagree(tmp_path: Path) -> None:
    # Admin Manual, "Configuration file precedence": between apps in reverse lexicographical order.
    first = write_app(tmp_path, "a", {"default/macros.conf": "[m]\ndefinition = 1\n"})
    last = write_app(
        tmp_path,
        "b",
        {
            "default/macros.conf": "[m]\ndefinition = 2\n[n]\ndefinition = 3\n",
            "local/macros.conf": "[n]\ndefinition = 4\n",
        },
    )
    found = {
        one.stanza: one
        for one in load_apps([last, first], builtin=False).layers.disagreements("macros")
    }
    assert {name: (one.won.value, one.won.app) for name, one in found.items()} == {
        "m": ("2", "b"),
        "n": ("4", "b"),
    }
    assert [one.value for one in found["m"].lost] == ["1"]
    assert "comes last in ASCII order counts: `b`" in found["m"].reason
    assert found["n"].reason == "local/ counts over default/"
