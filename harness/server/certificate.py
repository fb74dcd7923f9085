"""A certificate that the server signs itself, for TLS on both ports."""

from __future__ import annotations

import ipaddress
import os
import socket
import ssl
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

DAYS = 825
CERTIFICATE, KEY = "server.crt", "server.key"


def tls_context(host: str, folder: Path | None) -> tuple[ssl.SSLContext, str]:
    """The context, with the certificate in PEM; kept in a folder if there is one."""
    with tempfile.TemporaryDirectory() as temporary:
        place = folder if folder is not None else Path(temporary)
        certificate, key = place / CERTIFICATE, place / KEY
        if not (certificate.is_file() and key.is_file()):
            _write(certificate, key, host)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(certificate, key)
        return context, certificate.read_text(encoding="ascii")


def _write(certificate: Path, key: Path, host: str) -> None:
    from cryptography import x509  # noqa: PLC0415 - only the first start makes a certificate
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415
    from cryptography.x509.oid import NameOID  # noqa: PLC0415

    made = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "harness serve")])
    now = datetime.now(UTC)
    names: list[x509.GeneralName] = [x509.DNSName("localhost")]
    for text in dict.fromkeys((host, "127.0.0.1", "::1", socket.gethostname())):
        try:
            names.append(x509.IPAddress(ipaddress.ip_address(text)))
        except ValueError:
            if text.isascii() and text != "localhost":
                names.append(x509.DNSName(text))
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(made.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=DAYS))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(made, hashes.SHA256())
    )
    private = made.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    opened = os.open(key, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(opened, "wb") as file:
        file.write(private)
    certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    certificate.chmod(0o644)  # it is for everybody to trust
