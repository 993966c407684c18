"""The certificate that we write ourselves, read by a library that did not."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from resourcekit.terraform.tls import new_certificate


def test_the_certificate_is_self_signed_for_localhost() -> None:
    for _ in range(50):  # serial numbers and points of every length
        made = new_certificate()
        read = x509.load_pem_x509_certificate(made.pem)
        read.verify_directly_issued_by(read)
        names = read.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert names.get_values_for_type(x509.DNSName) == ["localhost"]
        assert read.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        now = datetime.now(UTC)
        assert read.not_valid_before_utc < now < now + timedelta(days=300) < read.not_valid_after_utc


def test_the_key_is_the_certificates() -> None:
    made = new_certificate()
    key = serialization.load_pem_private_key(made.key_pem, password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert isinstance(key.curve, ec.SECP256R1)
    assert key.public_key() == x509.load_pem_x509_certificate(made.pem).public_key()


def test_the_certificate_is_announced_without_padding() -> None:
    announced = new_certificate().announced
    assert "=" not in announced
    der = base64.b64decode(announced + "=" * (-len(announced) % 4))
    assert x509.load_der_x509_certificate(der)


def test_no_two_are_the_same() -> None:
    assert new_certificate().key_pem != new_certificate().key_pem
