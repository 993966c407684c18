"""A local stand-in for the site of Pulumi's installer: a proxy that ends TLS itself, with a certificate of its own.

Python's urllib reaches it by HTTPS_PROXY and trusts it by SSL_CERT_FILE; the code under test is not changed.
"""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import socket
import ssl
import threading
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

# Does what the real one does for a user: leaves programs below the root that it is given.
SCRIPT = r"""#!/bin/sh
while [ $# -gt 0 ]; do
  case "$1" in
    --install-root) root=$2; shift ;;
    --version) version=$2; shift ;;
  esac
  shift
done
mkdir -p "$root/bin"
for program in pulumi pulumi-language-yaml pulumi-language-python; do
  printf '#!/bin/sh\necho v%s\n' "$version" > "$root/bin/$program"
  chmod +x "$root/bin/$program"
done
"""


class Installer:
    """Serves the script while in its `with` block. requests: their first lines; is_silent: takes connections only."""

    def __init__(self, directory: Path, host: str, *, script: str = SCRIPT, is_silent: bool = False) -> None:
        self.requests: list[str] = []
        self.certificate = directory / "certificate.pem"
        self._host, self._script, self._is_silent = host, script, is_silent
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(_certificate(host, self.certificate))

    def __enter__(self) -> Self:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.env = {
            "HTTPS_PROXY": f"http://127.0.0.1:{self._socket.getsockname()[1]}",
            "SSL_CERT_FILE": str(self.certificate),
        }
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                threading.Thread(target=self._answer, args=[connection], daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            self.requests.append(_head(connection))
            if self._is_silent:
                connection.recv(1)
                return
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            with self._tls.wrap_socket(connection, server_side=True) as secure:
                first = _head(secure)
                self.requests.append(first)
                body = b"" if first.startswith("HEAD") else self._script.encode()
                length = len(self._script.encode())
                secure.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % length + body)


def _head(connection: socket.socket) -> str:
    text = b""
    while not text.endswith(b"\r\n\r\n") and (byte := connection.recv(1)):
        text += byte
    return text.decode().partition("\r\n")[0]


def _certificate(host: str, file: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.datetime.now(datetime.UTC)
    names = x509.SubjectAlternativeName([x509.DNSName(host), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return file
