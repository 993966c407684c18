"""The server certificate of one plugin process, for go-plugin's AutoMTLS.

The engine's client certificate is ECDSA P-521, which grpcio's TLS library does not accept, so the server does not
request it. Access is limited by the unix socket instead: its directory is open to this user only.

Key and signature come from the library `cryptography`. The certificate around them is encoded here, because the
library's own module for certificates takes a fifth of the time until the handshake (docs/decisions/0007).
"""

from __future__ import annotations

import base64
import os
import time
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

_INTEGER, _BITS, _BYTES, _OID, _UTF8, _TIME, _SEQUENCE, _SET = 0x02, 0x03, 0x04, 0x06, 0x0C, 0x17, 0x30, 0x31
# Object identifiers in their encoded form (RFC 5480, RFC 5758, RFC 5280).
_EC_PUBLIC_KEY = bytes.fromhex("2a8648ce3d0201")
_P256 = bytes.fromhex("2a8648ce3d030107")
_ECDSA_SHA256 = bytes.fromhex("2a8648ce3d040302")
_COMMON_NAME = bytes.fromhex("550403")
_ALTERNATIVE_NAME = bytes.fromhex("551d11")
_BASIC_CONSTRAINTS = bytes.fromhex("551d13")
_NAME = b"localhost"  # the name that go-plugin checks
_DAY = 24 * 3600


@dataclass(frozen=True)
class Certificate:
    """A certificate and its key.

    Attributes:
        pem: The certificate, for the server.
        key_pem: The private key, for the server.
        announced: The certificate for the handshake line: DER in Base64 without padding.
    """

    pem: bytes
    key_pem: bytes
    announced: str


def new_certificate() -> Certificate:
    """Return a self-signed certificate for `localhost` with a new P-256 key."""
    key = ec.generate_private_key(ec.SECP256R1())
    numbers = key.private_numbers()
    public = numbers.public_numbers
    point = b"\x04" + public.x.to_bytes(32, "big") + public.y.to_bytes(32, "big")
    body = _body(point, time.time())
    signature = key.sign(body, ec.ECDSA(hashes.SHA256()))
    der = _tlv(_SEQUENCE, body, _algorithm(), _tlv(_BITS, b"\0", signature))
    private = _tlv(
        _SEQUENCE,
        _integer(1),
        _tlv(_BYTES, numbers.private_value.to_bytes(32, "big")),
        _tlv(0xA0, _tlv(_OID, _P256)),
        _tlv(0xA1, _tlv(_BITS, b"\0", point)),
    )
    announced = base64.b64encode(der).decode().rstrip("=")
    return Certificate(_pem("CERTIFICATE", der), _pem("EC PRIVATE KEY", private), announced)


def _body(point: bytes, now: float) -> bytes:
    """Encode the signed part (RFC 5280, TBSCertificate): version 3, self-issued, valid for a year."""
    name = _tlv(_SEQUENCE, _tlv(_SET, _tlv(_SEQUENCE, _tlv(_OID, _COMMON_NAME), _tlv(_UTF8, _NAME))))
    key = _tlv(_SEQUENCE, _tlv(_SEQUENCE, _tlv(_OID, _EC_PUBLIC_KEY), _tlv(_OID, _P256)), _tlv(_BITS, b"\0", point))
    extensions = _tlv(
        _SEQUENCE,
        _extension(_ALTERNATIVE_NAME, _tlv(_SEQUENCE, _tlv(0x82, _NAME))),
        _extension(_BASIC_CONSTRAINTS, _tlv(_SEQUENCE, _tlv(0x01, b"\xff"))),
    )
    return _tlv(
        _SEQUENCE,
        _tlv(0xA0, _integer(2)),
        _integer(int.from_bytes(os.urandom(15), "big")),
        _algorithm(),
        name,
        _tlv(_SEQUENCE, _moment(now - _DAY), _moment(now + 365 * _DAY)),
        name,
        key,
        _tlv(0xA3, extensions),
    )


def _tlv(tag: int, *contents: bytes) -> bytes:
    """Encode a tag, the length and the contents (X.690)."""
    content = b"".join(contents)
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def _integer(value: int) -> bytes:
    # With room for one bit more than the value needs, so that the sign bit is 0.
    return _tlv(_INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def _algorithm() -> bytes:
    return _tlv(_SEQUENCE, _tlv(_OID, _ECDSA_SHA256))


def _extension(kind: bytes, value: bytes) -> bytes:
    return _tlv(_SEQUENCE, _tlv(_OID, kind), _tlv(_BYTES, value))


def _moment(seconds: float) -> bytes:
    return _tlv(_TIME, time.strftime("%y%m%d%H%M%SZ", time.gmtime(seconds)).encode())


def _pem(label: str, der: bytes) -> bytes:
    text = base64.encodebytes(der).decode().replace("\n", "")
    lines = "\n".join(text[start : start + 64] for start in range(0, len(text), 64))
    return f"-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n".encode()
