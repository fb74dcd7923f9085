"""What an engine's name and the settings mean, and where secrets may come from."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from faking import Fake

from harness.engines.splunk import Address, Instance, SplunkSettings, address_of, is_splunk
from harness.engines.splunk.address import BadSplunkAddress, Image
from harness.replay import Tls, Uncertain, Unverified
from harness.trials.settings import BadSetting, Settings
from harness.trials.splunk import splunk_settings

PASSWORD = {"HARNESS_SPLUNK_PASSWORD": "secret-word"}


@pytest.mark.parametrize(
    ("engine", "told", "image"),
    [
        ("splunk", SplunkSettings(), "splunk/splunk:9.4"),
        ("splunk:10.0", SplunkSettings(), "splunk/splunk:10.0"),
        ("splunk", SplunkSettings(image="mine/splunk:1"), "mine/splunk:1"),
        ("splunk:2", SplunkSettings(image="mine/splunk:1"), "mine/splunk:2"),
    ],
)
def test_images(engine: str, told: SplunkSettings, image: str) -> None:
    assert is_splunk(engine)
    assert address_of(engine, told, {}) == Image(image)


@pytest.mark.parametrize(
    ("engine", "told", "rest", "hec"),
    [
        ("https://s.example", SplunkSettings(), "https://s.example:8089", "https://s.example:8088"),
        (
            "splunk",
            SplunkSettings(url="https://s.example:1", hec_url="https://in.example:443"),
            "https://s.example:1",
            "https://in.example:443",
        ),
        ("http://[::1]:9", SplunkSettings(), "http://[::1]:9", "http://[::1]:8088"),
    ],
)
def test_urls(engine: str, told: SplunkSettings, rest: str, hec: str) -> None:
    found = address_of(engine, told, PASSWORD)
    assert isinstance(found, Address)
    assert (found.url, found.hec_url, found.user) == (rest, hec, "admin")
    assert "secret-word" not in repr(found)


@pytest.mark.parametrize(
    ("engine", "reason"),
    [
        ("splunk:9.4;rm", "no tag"),
        ("https://", "no URL"),
        ("https://s.example:port", "no URL"),
        ("https://admin:word@s.example", "no place for a password"),
    ],
)
def test_what_is_no_address(engine: str, reason: str) -> None:
    with pytest.raises(BadSplunkAddress, match=reason):
        address_of(engine, SplunkSettings(), PASSWORD)


def test_nothing_that_opens_it() -> None:
    with pytest.raises(BadSplunkAddress, match="neither a token nor a password") as error:
        address_of("https://s.example", SplunkSettings(), {})
    assert "HARNESS_SPLUNK_TOKEN" in str(error.value)


def test_secrets_come_from_a_file_that_nobody_else_reads(tmp_path: Path) -> None:
    path = tmp_path / "secrets.toml"
    path.write_text('token = "from-file"\nhec_token = "hec"\n')
    path.chmod(0o644)
    told = SplunkSettings(secrets=path)
    with pytest.raises(BadSplunkAddress, match="others may read") as error:
        address_of("https://s.example", told, {})
    assert "chmod 600" in str(error.value)
    path.chmod(0o600)
    found = address_of("https://s.example", told, {})
    assert isinstance(found, Address)
    assert (found.token, found.hec_token) == ("from-file", "hec")
    found = address_of("https://s.example", told, {"HARNESS_SPLUNK_TOKEN": "from-environment"})
    assert isinstance(found, Address)
    assert found.token == "from-environment"


@pytest.mark.parametrize("text", ["0", "soon", "-1", "inf", "99999"])
def test_what_is_no_number_of_seconds(text: str) -> None:
    with pytest.raises(BadSetting, match="no number of seconds"):
        Settings.read(Path(), {"splunk_timeout": text})


def test_how_long_an_answer_may_take_is_told() -> None:
    settings = Settings.read(Path("none"), {}, {"HARNESS_SPLUNK_TIMEOUT": "7.5"})
    found = address_of("https://s.example", splunk_settings(settings), PASSWORD)
    assert isinstance(found, Address)
    assert found.timeout == 7.5


@pytest.mark.parametrize("text", ["tokn = 'x'", "token = 1", "token"])
def test_files_that_hold_no_secrets(tmp_path: Path, text: str) -> None:
    path = tmp_path / "secrets.toml"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(BadSplunkAddress):
        address_of("https://s.example", SplunkSettings(secrets=path), {})


# Certificates: a real TLS server


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    both = tmp_path / "both.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-subj", "/CN=SplunkServerDefaultCert", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", both, "-out", tmp_path / "public.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    with both.open("a") as file:
        file.write((tmp_path / "public.pem").read_text())
    return both


def test_certificates_are_verified(
    certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARNESS_CACHE_DIR", str(tmp_path / "cache"))
    server = Fake(str(certificate))
    try:
        with pytest.raises(Unverified, match="cannot be verified") as error:
            Instance(server.address())
        assert "--splunk-ca" in str(error.value)
        for tls in (Tls(ca=tmp_path / "public.pem"), Tls(insecure=True)):
            Instance(server.address(tls=tls)).close()
        with pytest.raises(Uncertain, match="https://"):
            Instance(server.address(url=f"http://127.0.0.1:{server.port}"))
    finally:
        server.stop()
