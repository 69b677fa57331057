"""A throw-away certificate authority and a server certificate for loopback.

Stands for the public certificate authorities. Does not imitate revocation or intermediates.
"""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

YEARS_EITHER_WAY = 25


@dataclass(frozen=True)
class Certificates:
    """Files in PEM form; `authority` is what a client gets as `GIT_SSL_CAINFO`."""

    authority: Path
    chain: Path
    key: Path

    def server_context(self) -> ssl.SSLContext:
        """The TLS settings of a server that presents this certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.chain, self.key)
        return context


def issue(directory: Path, names: Sequence[str] = ("localhost",)) -> Certificates:
    """Make an authority and a certificate for 127.0.0.1, ::1 and `names`.

    Valid 25 years either way, so that tests with a wrong clock still connect.
    """
    authority_key, server_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    issuer = _name("gitsession test authority")
    authority = _sign(_builder(issuer, issuer, authority_key.public_key(), authority=True), authority_key)
    server = _builder(_name("127.0.0.1"), issuer, server_key.public_key(), authority=False)
    server = server.add_extension(x509.SubjectAlternativeName(_alternatives(names)), critical=False)
    files = Certificates(directory / "ca.pem", directory / "server.pem", directory / "server.key")
    files.authority.write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    files.chain.write_bytes(_sign(server, authority_key).public_bytes(serialization.Encoding.PEM))
    files.key.write_bytes(_private(server_key))
    return files


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _alternatives(names: Sequence[str]) -> list[x509.GeneralName]:
    loopback: list[x509.GeneralName] = [
        x509.IPAddress(ipaddress.ip_address(address)) for address in ("127.0.0.1", "::1")
    ]
    return loopback + [x509.DNSName(name) for name in names]


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, *, authority: bool
) -> x509.CertificateBuilder:
    now, margin = datetime.now(timezone.utc), timedelta(days=365 * YEARS_EITHER_WAY)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - margin).not_valid_after(now + margin)
    return builder.add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)


def _sign(builder: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    return builder.sign(key, hashes.SHA256())


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
