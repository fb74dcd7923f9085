from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.datasets import (
    AmbiguousDataset,
    BadManifest,
    DatasetMismatch,
    ForbiddenAddress,
    MissingFile,
    PointerInsteadOfData,
    Status,
    Store,
    UnknownDataset,
    load_catalog,
    read_manifest,
)
from harness.errors import UsageError
from harness.model import Origin
from harness.model.documents import MalformedYaml, UnknownKey

if TYPE_CHECKING:
    from harness.datasets import Manifest, StoreSettings

pytest_plugins = ("local_server",)

PROJECT = Path(__file__).parents[2]
MEDIA = "https://media.githubusercontent.com/media/splunk/attack_data/master/"
SHA256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

OLDER = """\
author: A. Author
id: 405d5889-16c7-42e3-8865-1485d7a5b2b6
date: '2020-10-08'
description: An attack.
environment: attack_range
technique:
- T1003.001
dataset:
- https://data.example/a.log
- https://data.example/b.log
references:
- https://attack.mitre.org/techniques/T1003/001/
sourcetypes:
- XmlWinEventLog:Microsoft-Windows-Sysmon/Operational
"""

NEWER = """\
author: A. Author
id: 405d5889-16c7-42e3-8865-1485d7a5b2b6
date: '2025-08-12'
description: An attack.
environment: attack_range
directory: attack
mitre_technique:
- T1003.001
datasets:
- name: windows-xml
  path: /datasets/attack_techniques/T1003.001/attack/windows xml.log
  sourcetype: XmlWinEventLog
  source: XmlWinEventLog:Security
"""


def written(tmp_path: Path, text: str, name: str = "attack.yml") -> Path:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def read(tmp_path: Path, text: str) -> Manifest:
    return read_manifest(written(tmp_path, text))


def test_the_older_generation(tmp_path: Path) -> None:
    manifest = read(tmp_path, OLDER)
    assert manifest.name == "attack"
    assert manifest.techniques == ("T1003.001",)
    assert manifest.date == "2020-10-08"
    assert manifest.references == ("https://attack.mitre.org/techniques/T1003/001/",)
    assert [file.url for file in manifest.files] == [
        "https://data.example/a.log",
        "https://data.example/b.log",
    ]
    told = Origin(
        source="XmlWinEventLog:Microsoft-Windows-Sysmon/Operational", sourcetype="XmlWinEventLog"
    )
    assert {file.origin for file in manifest.files} == {told}
    assert not manifest.official


def test_several_source_types_tell_nothing_about_one_file(tmp_path: Path) -> None:
    manifest = read(tmp_path, OLDER + "- WinEventLog:Security\n")
    assert {file.origin for file in manifest.files} == {Origin()}


@pytest.mark.parametrize(
    ("told", "origin"),
    [
        ("WinEventLog:Security", Origin(source="WinEventLog:Security", sourcetype="WinEventLog")),
        ("aws:cloudtrail", Origin(sourcetype="aws:cloudtrail")),
        ("syslog", Origin(sourcetype="syslog")),
    ],
)
def test_one_source_type_is_for_all_files(tmp_path: Path, told: str, origin: Origin) -> None:
    text = OLDER.replace("- XmlWinEventLog:Microsoft-Windows-Sysmon/Operational", f"- {told}")
    assert {file.origin for file in read(tmp_path, text).files} == {origin}


def test_single_texts_stand_for_lists_as_in_the_oldest_manifests(tmp_path: Path) -> None:
    text = (
        "description: x\ntechnique: T1003\ndataset: https://data.example/a\nsourcetypes: syslog\n"
    )
    manifest = read(tmp_path, text)
    assert manifest.techniques == ("T1003",)
    assert manifest.files[0].origin == Origin(sourcetype="syslog")


def test_promises_of_the_older_generation(tmp_path: Path) -> None:
    text = OLDER + (
        "files:\n"
        "  https://data.example/a.log:\n"
        f"    sha256: {SHA256.upper()}\n"
        "    size: 3\n"
        "    source: XmlWinEventLog:Security\n"
        "    custom_index: win\n"
        "    host: victim\n"
    )
    first, second = read(tmp_path, text).files
    assert (first.sha256, first.size, first.custom_index) == (SHA256, 3, "win")
    assert first.origin == Origin(
        index="win", source="XmlWinEventLog:Security", sourcetype="XmlWinEventLog", host="victim"
    )
    assert (second.sha256, second.size, second.custom_index) == (None, None, None)


def test_the_newer_generation(tmp_path: Path) -> None:
    manifest = read(tmp_path, NEWER + f"  sha256: {SHA256}\n  size: 3\n")
    (file,) = manifest.files
    below = "datasets/attack_techniques/T1003.001/attack/windows%20xml.log"
    assert file.url == MEDIA + below
    assert file.origin == Origin(source="XmlWinEventLog:Security", sourcetype="XmlWinEventLog")
    assert (file.sha256, file.size) == (SHA256, 3)
    assert manifest.directory == "attack"
    assert manifest.official
    assert file.place.line == 11


def test_a_recipe_is_carried_as_it_is(tmp_path: Path) -> None:
    manifest = read(tmp_path, "description: x\nsynthetic:\n  kind: sysmon\n  count: 38\n")
    assert manifest.synthetic == {"kind": "sysmon", "count": 38}
    assert manifest.synthetic_place is not None
    assert (manifest.synthetic_place.line, manifest.synthetic_place.column) == (2, 1)
    assert manifest.files == ()
    assert not manifest.official


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        (OLDER + "sourcetype: x\n", 15, 1, "key `sourcetype` (did you mean `sourcetypes`"),
        (NEWER + "  sha265: x\n", 14, 3, "unknown key `sha265` (did you mean `sha256`?)"),
        (OLDER + "files:\n  https://data.example/c.log: {}\n", 16, 3, "unknown key `https://data."),
        (OLDER + "files:\n  https://data.example/a.log: {sise: 1}\n", 16, 32, "`size`"),
        (OLDER + "datasets: []\n", 15, 1, "`dataset` and `datasets` exclude each other"),
        (NEWER + "files: {}\n", 14, 1, "`files` goes with `dataset`"),
        (NEWER + "  sha256: abc\n", 14, 3, "`sha256` must be 64 hexadecimal digits"),
        (NEWER + "  size: -1\n", 14, 3, "`size` must be a number of bytes"),
        (NEWER + "  size: true\n", 14, 3, "`size` must be a number of bytes"),
        (NEWER + "  host: 12\n", 14, 3, "`host` must be text (put it in quotes)"),
        (NEWER + "- just a text\n", 14, 3, "this must be a mapping"),
        (NEWER + "- name: x\n", 14, 3, "`path` is missing"),
        ("description: x\ntechnique: T10\ndataset: a\n", 2, 1, "`T10` is no ATT&CK technique"),
        ("description: x\ndataset:\n- 1\n", 2, 1, "`dataset` must be a list of texts"),
        ("description: x\n", 1, 1, "the manifest names no file and no recipe"),
        ("dataset: [https://data.example/a]\n", 1, 1, "`description` is missing"),
        ("description: x\nsynthetic: 1\n", 2, 1, "`synthetic` must be a mapping"),
        ("description: x\ndatasets: 1\n", 2, 1, "`datasets` must be a list"),
        ("- a\n", 1, 1, "this must be a mapping"),
        ("", 1, 1, "this must be a mapping"),
    ],
)
def test_bad_manifests(tmp_path: Path, text: str, line: int, column: int, message: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises((BadManifest, UnknownKey)) as caught:
        read_manifest(path)
    assert str(caught.value).startswith(f"{path}:{line}:{column}: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_manifest_that_is_no_yaml(tmp_path: Path) -> None:
    with pytest.raises(MalformedYaml, match=r"attack\.yml:\d+:\d+: not YAML"):
        read(tmp_path, "description: [x\n")


def test_a_catalog_by_name(tmp_path: Path) -> None:
    written(tmp_path, OLDER, "one/first.yml")
    written(tmp_path, OLDER, "one/sub/data.yml")
    written(tmp_path, "name: third\n" + OLDER, "two/other.yaml")
    written(tmp_path, "not a manifest", "two/readme.txt")
    catalog = load_catalog([tmp_path / "one", tmp_path / "two"])
    assert catalog.names() == ("first", "sub", "third")
    assert [manifest.name for manifest in catalog] == ["first", "sub", "third"]
    assert len(catalog) == 3
    assert catalog.get("third").path == tmp_path / "two/other.yaml"


def test_an_unknown_name_gives_the_nearest(tmp_path: Path) -> None:
    written(tmp_path, OLDER, "windows_temp.yml")
    with pytest.raises(UnknownDataset, match="did you mean `windows_temp`") as caught:
        load_catalog([tmp_path]).get("window_temp")
    assert isinstance(caught.value, UsageError)


def test_a_shared_name_is_told_apart_by_path(tmp_path: Path) -> None:
    for technique in ("T1003", "T1059"):
        written(tmp_path, OLDER, f"{technique}/atomic/atomic.yml")
    catalog = load_catalog([tmp_path, tmp_path])
    assert catalog.names() == ("T1003/atomic/atomic", "T1059/atomic/atomic")
    with pytest.raises(AmbiguousDataset, match="2 datasets are called `atomic`"):
        catalog.get("atomic")
    for folder in ("x", "y"):
        written(tmp_path / folder, OLDER, "same.yml")
    both = load_catalog([tmp_path / "x", tmp_path / "y"])
    assert both.names() == (str(tmp_path / "x/same.yml"), str(tmp_path / "y/same.yml"))


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(MissingFile, match="no such folder of dataset manifests"):
        load_catalog([tmp_path / "gone"])


def test_the_project_s_own_official_manifests() -> None:
    """The values stand in the issue, and are those of attack_data's LFS pointers."""
    base = MEDIA + "datasets/attack_techniques/T1059/"
    text = read_manifest(PROJECT / "datasets/windows_temp_official_text.yml")
    xml = read_manifest(PROJECT / "datasets/windows_temp_official_xml.yml")
    assert (text.name, xml.name) == ("windows_temp_official_text", "windows_temp_official_xml")
    assert text.official
    assert xml.official
    (text_file,), (xml_file,) = text.files, xml.files
    assert text_file.url == (
        base + "meterpreter/windows_temp_processes/logExcessiveWindowsTemp.log"
    )
    assert text_file.size == 128_279
    assert text_file.origin == Origin(source="WinEventLog:Security", sourcetype="WinEventLog")
    assert xml_file.url == (base + "excessive_distinct_processes_from_windows_temp/windows-xml.log")
    assert xml_file.size == 191_553
    assert xml_file.origin == Origin(source="XmlWinEventLog:Security", sourcetype="XmlWinEventLog")


CLONED = "datasets/attack_techniques/T1003.001/attack/windows xml.log"


def cloned(root: Path, content: bytes) -> Path:
    path = root / CLONED
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return path


def test_a_clone_of_attack_data_comes_before_the_network(
    settings: StoreSettings, tmp_path: Path
) -> None:
    (file,) = read(tmp_path, NEWER).files
    here = cloned(tmp_path / "clone", b"abc")
    store = Store(replace(settings, attack_data=tmp_path / "clone", offline=True))
    assert store.obtain(file) == here
    assert store.status(file) is Status.LOCAL
    assert store.verify(replace(file, sha256=SHA256, size=3)) == here
    with pytest.raises(DatasetMismatch):
        store.obtain(replace(file, sha256="0" * 64))


def test_the_clone_that_a_manifest_lies_in_counts_too(
    settings: StoreSettings, tmp_path: Path
) -> None:
    here = cloned(tmp_path / "clone", b"abc")
    written(here.parent, NEWER, "data.yml")
    manifest = load_catalog([tmp_path / "clone/datasets"]).get("attack")
    store = Store(replace(settings, offline=True, default_index="test"))
    ((path, origin),) = store.obtain_all(manifest)
    assert path == here
    assert origin.index == "test"


def test_a_link_in_a_clone_cannot_lead_out_of_it(settings: StoreSettings, tmp_path: Path) -> None:
    (file,) = read(tmp_path, NEWER).files
    (tmp_path / "secret.log").write_bytes(b"abc")
    inside = cloned(tmp_path / "clone", b"abc")
    inside.rename(inside.with_name("real.log"))
    inside.symlink_to("real.log")
    store = Store(replace(settings, attack_data=tmp_path / "clone", offline=True))
    assert store.obtain(file).read_bytes() == b"abc"
    inside.unlink()
    inside.symlink_to(tmp_path / "secret.log")
    with pytest.raises(ForbiddenAddress, match=r"a link out of the clone"):
        store.obtain(file)


def test_a_pointer_in_a_clone_is_passed_over(settings: StoreSettings, tmp_path: Path) -> None:
    (file,) = read(tmp_path, NEWER).files
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{SHA256}\nsize 3\n"
    here = cloned(tmp_path / "clone", pointer.encode())
    store = Store(replace(settings, attack_data=tmp_path / "clone", offline=True))
    assert store.status(file) is Status.MISSING
    assert store.path(file).is_relative_to(settings.cache_dir)
    with pytest.raises(PointerInsteadOfData):
        store.obtain(replace(file, url=here.as_uri()))
