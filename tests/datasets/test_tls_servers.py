from __future__ import annotations

import shutil
import ssl
import subprocess
import threading
from typing import TYPE_CHECKING

import pytest
from local_server import LocalServer

from harness.datasets import DatasetFile, Store, UntrustedServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.datasets import StoreSettings

pytest_plugins = ("local_server",)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for data.example with its key, signed by itself."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed, which makes the certificate")
    folder = tmp_path_factory.mktemp("tls")
    both = folder / "both.pem"
    made = [folder / "key.pem", folder / "cert.pem"]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", "/CN=data.example",
         "-addext", "subjectAltName=DNS:data.example",
         "-keyout", str(made[0]), "-out", str(made[1])],
        check=True, capture_output=True,
    )  # fmt: skip
    both.write_bytes(made[0].read_bytes() + made[1].read_bytes())
    return both


@pytest.fixture
def tls_server(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalServer]:
    """The local server behind TLS; every name leads to it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    monkeypatch.setattr("harness.datasets.connection.resolve", lambda *_: ["127.0.0.1"])
    with LocalServer() as running:
        running.socket = context.wrap_socket(
            running.socket, server_side=True, do_handshake_on_connect=False
        )
        thread = threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        running.on("/a.log", lambda handler: handler.reply(b"over TLS\n"))
        yield running
        running.shutdown()
        thread.join()


def https(server: LocalServer, host: str) -> DatasetFile:
    return DatasetFile(url=f"https://{host}:{server.server_address[1]}/a.log")


def test_the_name_is_proved_though_the_address_is_connected_to(
    tls_server: LocalServer,
    settings: StoreSettings,
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    path = Store(settings).obtain(https(tls_server, "data.example"))
    assert path.read_bytes() == b"over TLS\n"
    port = tls_server.server_address[1]
    assert tls_server.gets("/a.log")[0]["Host"] == f"data.example:{port}"


def test_another_name_is_not_trusted(
    tls_server: LocalServer,
    settings: StoreSettings,
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    with pytest.raises(UntrustedServer, match="does not prove who it is"):
        Store(settings).obtain(https(tls_server, "other.example"))
    assert tls_server.gets("/a.log") == []


def test_a_certificate_of_nobody_is_not_trusted(
    tls_server: LocalServer, settings: StoreSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
    with pytest.raises(UntrustedServer) as caught:
        Store(settings).obtain(https(tls_server, "data.example"))
    assert "REQUESTS_CA_BUNDLE" in str(caught.value)
    assert not (settings.cache_dir / "unreachable.json").exists()
