from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.datasets import DatasetFile, ForbiddenAddress, MissingFile, Store
from harness.datasets.address import (
    attack_data_address,
    attack_data_path,
    check_public,
    checked_address,
    data_address,
    pointer_address,
    shown,
)

if TYPE_CHECKING:
    from pathlib import Path

    from local_server import LocalServer

    from harness.datasets import StoreSettings

pytest_plugins = ("local_server",)

MEDIA = "https://media.githubusercontent.com/media/splunk/attack_data/master/"
RAW = "https://raw.githubusercontent.com/splunk/attack_data/master/"


@pytest.mark.parametrize(
    "url",
    [
        "http://data.example/a.log",
        "ftp://data.example/a.log",
        "javascript://data.example/a.log",
        "https://localhost/a.log",
        "https://files.localhost/a.log",
        "https://127.0.0.1/a.log",
        "https://127.1/a.log",
        "https://2130706433/a.log",
        "https://0x7f.0.0.1/a.log",
        "https://0/a.log",
        "https://[::1]/a.log",
        "https://[::ffff:10.0.0.1]/a.log",
        "https://[64:ff9b::a00:1]/a.log",
        "https://[2002:a00:1::]/a.log",
        "https://10.1.2.3/a.log",
        "https://192.168.1.1:8443/a.log",
        "https://169.254.169.254/latest/meta-data",
        "https://[fe80::1]/a.log",
        "https://[fd00::1]/a.log",
        "https://[fec0::1]/a.log",
        "https://[::127.0.0.1]/a.log",
        "https://[64:ff9b:1::7f00:1]/a.log",
        "https://192.0.0.8/a.log",
        "https://100.64.0.1/a.log",
        "https://224.0.0.1/a.log",
        "https://user:secret@data.example/a.log",
        "https://user@data.example/a.log",
        "https:///a.log",
        "https://data.example:99999/a.log",
        "https://dätä.example/a.log",
    ],
)
def test_addresses_that_a_manifest_may_not_name(url: str) -> None:
    with pytest.raises(ForbiddenAddress) as caught:
        checked_address(url, allow_local=False)
    assert "secret" not in str(caught.value)
    assert caught.value.hints


@pytest.mark.parametrize("url", [MEDIA + "datasets/a.log", "https://8.8.8.8:8443/a.log"])
def test_public_https_is_allowed(url: str) -> None:
    assert checked_address(url, allow_local=False).scheme == "https"


@pytest.mark.parametrize("url", ["http://data.example/a", "https://10.0.0.1/a", "http://[::1]/a"])
def test_the_command_line_may_allow_local_addresses(url: str) -> None:
    assert checked_address(url, allow_local=True).hostname


@pytest.mark.parametrize("url", ["ftp://data.example/a", "https://user:secret@data.example/a"])
def test_some_addresses_are_never_allowed(url: str) -> None:
    with pytest.raises(ForbiddenAddress):
        checked_address(url, allow_local=True)


def test_one_private_address_among_public_ones_is_enough_to_refuse() -> None:
    check_public(["8.8.8.8", "2606:4700::1111"], "https://data.example/a.log")
    with pytest.raises(ForbiddenAddress, match=r"leads to 10\.0\.0\.1, which is not a public"):
        check_public(["8.8.8.8", "10.0.0.1"], "https://data.example/a.log")


def test_a_name_that_resolves_to_a_private_address_is_refused(
    settings: StoreSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    monkeypatch.setattr("harness.datasets.connection.resolve", lambda *_: ["192.168.0.9"])
    store = Store(replace(settings, allow_local_addresses=False))
    with pytest.raises(ForbiddenAddress, match=r"192\.168\.0\.9") as caught:
        store.obtain(DatasetFile(url="https://data.example/a.log"))
    assert "--allow-local-addresses" in str(caught.value)


def test_a_redirect_to_a_private_address_is_refused(
    server: LocalServer, settings: StoreSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first hop is let through as if it were public; the second is checked as it is."""
    from dataclasses import replace

    from harness.datasets import connection

    target = "https://10.0.0.1/a.log"
    url = server.on("/a.log", lambda handler: handler.reply(b"", 302, Location=target))
    real = checked_address

    def first_hop_is_public(asked: str, *, allow_local: bool) -> object:
        return real(asked, allow_local=allow_local or asked == url)

    monkeypatch.setattr(connection, "checked_address", first_hop_is_public)
    monkeypatch.setattr("harness.datasets.store.checked_address", first_hop_is_public)
    monkeypatch.setattr(
        connection,
        "check_public",
        lambda found, asked: None if asked == url else check_public(found, asked),
    )
    store = Store(replace(settings, allow_local_addresses=False))
    with pytest.raises(ForbiddenAddress, match=r"redirected: .*10\.0\.0\.1") as caught:
        store.obtain(DatasetFile(url=url))
    assert str(caught.value).startswith(url)


def test_http_needs_the_command_line_to_say_so(
    server: LocalServer, settings: StoreSettings
) -> None:
    from dataclasses import replace

    url = server.on("/a.log", lambda handler: handler.reply(b"data\n"))
    with pytest.raises(ForbiddenAddress, match="http, which anyone"):
        Store(replace(settings, allow_local_addresses=False)).obtain(DatasetFile(url=url))
    assert server.gets("/a.log") == []


def test_a_file_address_needs_the_command_line_to_say_so(
    settings: StoreSettings, tmp_path: Path
) -> None:
    from dataclasses import replace

    data = tmp_path / "with space.log"
    data.write_text("data\n")
    file = DatasetFile(url=data.as_uri())
    with pytest.raises(ForbiddenAddress, match="reads any file of this machine"):
        Store(replace(settings, allow_local_addresses=False)).obtain(file)
    assert Store(settings).obtain(file) == data
    with pytest.raises(ForbiddenAddress, match="another machine"):
        Store(settings).obtain(DatasetFile(url="file://server/share/a.log"))


@pytest.mark.parametrize("path", ["../outside.log", "/etc/passwd", "link.log", "folder/../../x"])
def test_paths_stay_inside_the_project(store: Store, tmp_path: Path, path: str) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (tmp_path / "outside.log").write_text("secret\n")
    (project / "link.log").symlink_to(tmp_path / "outside.log")
    with pytest.raises(ForbiddenAddress, match="outside the project"):
        store.obtain(DatasetFile(url=path, base=project))


def test_paths_are_read_from_the_manifest_s_folder_and_the_roots(
    settings: StoreSettings, tmp_path: Path
) -> None:
    from dataclasses import replace

    beside, root = tmp_path / "beside", tmp_path / "root"
    for folder in (beside, root):
        folder.mkdir()
    (beside / "near.log").write_text("near\n")
    (root / "far.log").write_text("far\n")
    store = Store(replace(settings, roots=(root,)))
    assert store.obtain(DatasetFile(url="near.log", base=beside)).read_text() == "near\n"
    assert store.obtain(DatasetFile(url="far.log", base=beside)).read_text() == "far\n"
    assert store.obtain(DatasetFile(url=str(root / "far.log"))).read_text() == "far\n"
    with pytest.raises(MissingFile, match="cannot be read"):
        store.obtain(DatasetFile(url="gone.log", base=beside))


def test_attack_data_s_addresses() -> None:
    path = "datasets/attack_techniques/T1059/a b/windows-xml.log"
    url = MEDIA + path.replace(" ", "%20")
    assert attack_data_address("/datasets/x.log") == MEDIA + "datasets/x.log"
    assert attack_data_path(url) == path
    assert attack_data_path(RAW + path) == path
    assert pointer_address(url) == RAW + path.replace(" ", "%20")
    assert data_address(RAW + path) == MEDIA + path


@pytest.mark.parametrize(
    "url",
    [
        MEDIA + "datasets/../../secret",
        MEDIA + "datasets/%2e%2e/secret",
        MEDIA + "datasets/a%2f..%2f..%2fb",
        MEDIA + "datasets//a",
        MEDIA + "bin/replay.py",
        "https://media.githubusercontent.com/media/other/attack_data/master/datasets/a.log",
        "https://media.githubusercontent.com.evil.example/media/splunk/attack_data/master/datasets/a",
        "http://media.githubusercontent.com/media/splunk/attack_data/master/datasets/a.log",
    ],
)
def test_what_is_not_a_file_of_attack_data(url: str) -> None:
    assert attack_data_path(url) is None
    assert pointer_address(url) is None


def test_messages_show_neither_secrets_nor_escapes() -> None:
    assert shown("https://data.example/a?token=secret") == "https://data.example/a"
    assert shown("a\x1b[31m\n") == "a\\x1b[31m\\n"
