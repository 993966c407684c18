"""A certificate for one process: what go-plugin's AutoMTLS needs to talk to us.

The engine's own certificate is ECDSA P-521, which grpcio's TLS library does not accept, so it cannot be asked for. What
keeps strangers out is the socket: a unix socket in a directory that only this user may enter.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


@dataclass(frozen=True)
class Certificate:
    """pem, key_pem: for the server. announced: as the handshake line wants it, base64 without padding."""

    pem: bytes
    key_pem: bytes
    announced: str


def new_certificate() -> Certificate:
    """A self-signed one for `localhost`, the name that go-plugin checks."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=365))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    der = certificate.public_bytes(serialization.Encoding.DER)
    return Certificate(
        certificate.public_bytes(serialization.Encoding.PEM), private, base64.b64encode(der).decode().rstrip("=")
    )
