from __future__ import annotations

import gzip
import io
import stat
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.datasets import (
    DamagedArchive,
    DatasetFile,
    DiskFull,
    EmptyDataset,
    Limits,
    Manifest,
    SeveralFiles,
    Store,
    UnsafeArchive,
)
from harness.model import Origin
from harness.storage.unpack import is_archive, unpack

if TYPE_CHECKING:
    from harness.datasets import StoreSettings

pytest_plugins = ("local_server",)

CORPUS = Path(__file__).parents[2] / "../shared/corpus"


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def tarred(path: Path, members: dict[str, bytes], *odd: tarfile.TarInfo) -> Path:
    with tarfile.open(path, "w:gz" if path.name.endswith("gz") else "w") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for info in odd:
            archive.addfile(info)
    return path


def odd_member(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = target
    return info


def contents(paths: tuple[Path, ...]) -> list[tuple[str, bytes]]:
    return [(path.name, path.read_bytes()) for path in paths]


MEMBERS = {"b.log": b"second\n", "logs/a.log": b"first\n"}


def test_a_gzip_stream_is_one_file(store: Store, tmp_path: Path) -> None:
    (tmp_path / "a.log.gz").write_bytes(gzip.compress(b"one\n") + gzip.compress(b"two\n"))
    path = store.obtain(DatasetFile(url="a.log.gz", base=tmp_path))
    assert (path.name, path.read_bytes()) == ("a.log", b"one\ntwo\n")


@pytest.mark.parametrize("name", ["a.tar.gz", "a.tgz", "a.tar", "a.bin"])
def test_a_tar_gives_its_files(tmp_path: Path, name: str) -> None:
    found = unpack(tarred(tmp_path / name, MEMBERS), tmp_path / "out", Limits())
    assert contents(found) == [("b.log", b"second\n"), ("a.log", b"first\n")]


def test_a_zip_gives_its_files_with_their_origin(store: Store, tmp_path: Path) -> None:
    zipped(tmp_path / "a.zip", MEMBERS)
    origin = Origin(sourcetype="XmlWinEventLog")
    file = DatasetFile(url="a.zip", base=tmp_path, origin=origin)
    manifest = Manifest(name="a", path=tmp_path / "a.yml", description="two files", files=(file,))
    found = store.obtain_all(manifest)
    assert [(path.name, told) for path, told in found] == [("b.log", origin), ("a.log", origin)]
    with pytest.raises(SeveralFiles, match="holds 2 files"):
        store.obtain(file)


def test_a_zip_of_one_file_is_that_file(store: Store, tmp_path: Path) -> None:
    zipped(tmp_path / "a.zip", {"a.log": b"one\n"})
    assert store.obtain(DatasetFile(url="a.zip", base=tmp_path)).read_bytes() == b"one\n"


def test_a_changed_archive_is_unpacked_anew(store: Store, tmp_path: Path) -> None:
    file = DatasetFile(url="a.zip", base=tmp_path)
    zipped(tmp_path / "a.zip", {"a.log": b"one\n"})
    store.obtain(file)
    zipped(tmp_path / "a.zip", {"a.log": b"two\n"})
    assert store.obtain(file).read_bytes() == b"two\n"


def test_empty_members_are_kept_beside_data(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", {"a.log": b"one\n", "b.log": b""})
    assert contents(unpack(archive, tmp_path / "out", Limits())) == [
        ("a.log", b"one\n"),
        ("b.log", b""),
    ]


@pytest.mark.parametrize(
    "name",
    ["../out.log", "logs/../../out.log", "/etc/out.log", "..\\out.log", "C:\\out.log", "C:out.log"],
)
def test_members_that_climb_out_are_refused(tmp_path: Path, name: str) -> None:
    for archive in (
        zipped(tmp_path / "a.zip", {"good.log": b"x", name: b"evil"}),
        tarred(tmp_path / "a.tar.gz", {"good.log": b"x", name: b"evil"}),
    ):
        with pytest.raises(UnsafeArchive, match="lies outside its folder") as caught:
            unpack(archive, tmp_path / "folder/out", Limits())
        assert str(archive) in str(caught.value)
    assert not list(tmp_path.rglob("*.log"))
    assert not (tmp_path / "folder/out").exists()


@pytest.mark.parametrize(
    "member",
    [
        odd_member("link.log", tarfile.SYMTYPE, "/etc/passwd"),
        odd_member("link.log", tarfile.LNKTYPE, "good.log"),
        odd_member("pipe", tarfile.FIFOTYPE),
        odd_member("disk", tarfile.BLKTYPE),
    ],
)
def test_links_and_devices_in_a_tar_are_refused(tmp_path: Path, member: tarfile.TarInfo) -> None:
    archive = tarred(tmp_path / "a.tar.gz", {"good.log": b"x"}, member)
    with pytest.raises(UnsafeArchive, match="a link or a device"):
        unpack(archive, tmp_path / "out", Limits())


def test_a_link_in_a_zip_is_refused(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("link.log")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(UnsafeArchive, match="is a link"):
        unpack(tmp_path / "a.zip", tmp_path / "out", Limits())


BOMB = bytes(40_000_000)
TIGHT = Limits(ratio_free_bytes=1_000_000)


@pytest.mark.parametrize("kind", ["zip", "gz", "tar.gz"])
def test_a_bomb_is_stopped_by_its_ratio(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"a.{kind}"
    if kind == "zip":
        zipped(path, {"a.log": BOMB})
    elif kind == "gz":
        path.write_bytes(gzip.compress(BOMB))
    else:
        tarred(path, {"a.log": BOMB})
    with pytest.raises(UnsafeArchive, match="more than 250 times its size"):
        unpack(path, tmp_path / "out", TIGHT)
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME])
def test_a_header_that_would_fill_the_memory_is_refused(tmp_path: Path, kind: bytes) -> None:
    member = tarfile.TarInfo("a.log")
    header = odd_member("header", kind)
    header.size = 3_000_000
    filler = b"3000000 comment=" + b"x" * (3_000_000 - 17) + b"\n"
    path = tmp_path / "a.tar.gz"
    path.write_bytes(
        gzip.compress(header.tobuf() + filler.ljust(3_000_320, b"\0") + member.tobuf())
    )
    with pytest.raises(UnsafeArchive, match="more than 1048576 bytes of header"):
        unpack(path, tmp_path / "out", Limits())


def test_many_folders_are_no_large_header(tmp_path: Path) -> None:
    folders = [odd_member(f"folder{n}", tarfile.DIRTYPE) for n in range(3_000)]
    archive = tarred(tmp_path / "a.tar.gz", {"a.log": b"one"}, *folders)
    assert contents(unpack(archive, tmp_path / "out", Limits())) == [("a.log", b"one")]


def test_what_is_left_out_may_be_large(tmp_path: Path) -> None:
    noise = bytes(3_000_000)
    archive = tarred(tmp_path / "a.tar", {"__MACOSX/a.log": noise, "a.log": b"one", "b": noise})
    found = contents(unpack(archive, tmp_path / "out", Limits()))
    assert found == [("a.log", b"one"), ("b", noise)]


def test_the_size_that_a_zip_declares_is_not_believed(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a.log": BOMB})
    lying = path.read_bytes().replace(len(BOMB).to_bytes(4, "little"), (100).to_bytes(4, "little"))
    path.write_bytes(lying)
    with pytest.raises((UnsafeArchive, DamagedArchive)):
        unpack(path, tmp_path / "out", TIGHT)


def test_bytes_and_entries_are_bounded(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", {f"{n}.log": b"0123456789" for n in range(20)})
    with pytest.raises(UnsafeArchive, match="more than 100 bytes"):
        unpack(archive, tmp_path / "out", replace(Limits(), max_unpacked_bytes=100))
    with pytest.raises(UnsafeArchive, match="more than 19 entries"):
        unpack(archive, tmp_path / "out", replace(Limits(), max_entries=19))
    assert len(unpack(archive, tmp_path / "out", replace(Limits(), max_entries=20))) == 20


def test_one_name_twice_is_refused(tmp_path: Path) -> None:
    archive = tarred(tmp_path / "a.tar", {"a.log": b"one", "A.LOG": b"two"})
    with pytest.raises(UnsafeArchive, match=r"holds `A\.LOG` twice"):
        unpack(archive, tmp_path / "out", Limits())
    archive = tarred(tmp_path / "b.tar", {"a": b"one", "a/b.log": b"two"})
    with pytest.raises(UnsafeArchive, match="twice"):
        unpack(archive, tmp_path / "out", Limits())


def test_escapes_in_a_name_are_refused_and_shown_harmless(tmp_path: Path) -> None:
    archive = tarred(tmp_path / "a.tar", {"a\x1b[31m.log": b"one"})
    with pytest.raises(UnsafeArchive, match="is no file name") as caught:
        unpack(archive, tmp_path / "out", Limits())
    assert "\x1b" not in str(caught.value)


def test_what_macos_adds_is_left_out(tmp_path: Path) -> None:
    members = {"a.log": b"one", "__MACOSX/._a.log": b"x", "._a.log": b"x", ".DS_Store": b"x"}
    archive = zipped(tmp_path / "a.zip", members)
    assert contents(unpack(archive, tmp_path / "out", Limits())) == [("a.log", b"one")]


@pytest.mark.parametrize("kind", ["zip", "gz", "tar.gz", "tar"])
def test_a_cut_archive_is_damaged_and_leaves_nothing(tmp_path: Path, kind: str) -> None:
    noise = bytes(range(256)) * 400
    path = tmp_path / f"a.{kind}"
    if kind == "zip":
        zipped(path, {"a.log": noise})
    elif kind == "gz":
        path.write_bytes(gzip.compress(noise))
    else:
        tarred(path, {"a.log": noise})
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DamagedArchive, match="cannot be read to its end"):
        unpack(path, tmp_path / "out", Limits())
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_a_flipped_byte_is_damage(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(b"".join(b"line %d\n" % n for n in range(10_000))))
    packed[len(packed) // 2] ^= 0xFF
    path = tmp_path / "a.gz"
    path.write_bytes(packed)
    with pytest.raises(DamagedArchive):
        unpack(path, tmp_path / "out", Limits())


def test_an_encrypted_zip_cannot_be_read(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a.log": b"one"})
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(DamagedArchive, match=r"`a\.log` in the archive is encrypted"):
        unpack(path, tmp_path / "out", Limits())


def test_an_archive_without_data_is_empty(tmp_path: Path) -> None:
    for archive in (
        zipped(tmp_path / "none.zip", {}),
        zipped(tmp_path / "a.zip", {"a.log": b""}),
        tarred(tmp_path / "a.tar.gz", {"a.log": b""}),
    ):
        with pytest.raises(EmptyDataset, match="holds no data"):
            unpack(archive, tmp_path / "out", Limits())


def test_a_full_disk_while_unpacking_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno

    archive = zipped(tmp_path / "a.zip", {"a.log": b"x" * 1000})
    real_open = Path.open

    class Full:
        def __init__(self, stream: io.BufferedWriter) -> None:
            self.stream = stream

        def write(self, block: bytes) -> int:
            assert block
            raise OSError(errno.ENOSPC, "No space left on device")

        def close(self) -> None:
            self.stream.close()

    def open_full(path: Path, mode: str = "r", **options: object) -> object:
        stream = real_open(path, mode)
        return Full(stream) if mode == "xb" else stream  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "open", open_full)
    with pytest.raises(DiskFull, match="No space left on device"):
        unpack(archive, tmp_path / "out", Limits())
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.zip"]


def test_a_log_is_no_archive(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(b"PK is not enough\n")
    assert not is_archive(tmp_path / "a.log")


def test_a_real_archive_of_attack_data(settings: StoreSettings) -> None:
    folder = CORPUS / "attack_data/attack_techniques/T1047/atomic_red_team"
    if not folder.is_dir():
        pytest.skip("../shared/corpus is absent")
    file = DatasetFile(url="attack_data.tar.gz", base=folder)
    paths = Store(settings).obtain_files(file)
    with tarfile.open(folder / "attack_data.tar.gz") as archive:
        listed = {member.name: member.size for member in archive if member.isfile()}
    real = {name: size for name, size in listed.items() if not Path(name).name.startswith("._")}
    assert real
    assert sorted(path.stat().st_size for path in paths) == sorted(real.values())
