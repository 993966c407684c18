"""Settings that cannot work are told by name; what proxies and certificates do to a call, over real sockets."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from polykomos.client import Client, ConfigurationError, TransportError
from resourcekit.http.connection import _system_trust, _trust
from support.scripted_server import ScriptedServer, answer
from support.tunnel import Tunnel

KEY = "pk_live_0123456789abcdef"
BASE_URL = "https://polykomos.com/api/v1"


@pytest.mark.parametrize(
    "authority",
    ["x:99999", "x:0", "x:port", "exa mple", "x\x07", "a" * 64, "a..b", "xn--\N{SNOWMAN}", "u@x", ":80", "[::1"],
)
def test_an_address_that_nothing_could_be_reached_at_is_refused(authority: str) -> None:
    with pytest.raises(ConfigurationError, match="POLYKOMOS_BASE_URL"):
        Client(base_url=f"https://{authority}/api/v1", api_key=KEY)


@pytest.mark.parametrize(
    "url", [BASE_URL, f" {BASE_URL}/\n", "http://[::1]:8080/api/v1", "http://b\xfccher.test/gateway/api/v1"]
)
def test_an_address_that_can_work_is_taken(url: str) -> None:
    with Client(base_url=url, api_key=KEY) as client:
        assert url.strip().rstrip("/") in repr(client)


@pytest.mark.parametrize("key", ["", "  ", "pk live", "pk_live_\N{SNOWMAN}", "pk_live_a\nX-Header: b", "pk\x00"])
def test_a_key_that_no_header_could_carry_is_refused_unshown(key: str) -> None:
    with pytest.raises(ConfigurationError, match="POLYKOMOS_API_KEY") as raised:
        Client(base_url=BASE_URL, api_key=key)
    assert not key.strip() or key not in str(raised.value)


@pytest.mark.parametrize("proxy", ["ftp://u:hunter2@proxy", "socks5://u:hunter2@proxy:1080", "http://u:hunter2@a\x07"])
def test_an_unusable_proxy_is_reported_without_its_password(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with pytest.raises(ConfigurationError, match="HTTPS_PROXY") as raised:
        Client(base_url=BASE_URL, api_key=KEY)
    assert "hunter2" not in str(raised.value)


def test_a_missing_ca_bundle_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nonsense = tmp_path / "nonsense.pem"
    nonsense.write_text("no certificate")
    for bundle in (tmp_path / "none.pem", nonsense):
        with pytest.raises(ConfigurationError, match=bundle.name):
            Client(base_url=BASE_URL, api_key=KEY, ca_bundle=bundle)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    with pytest.raises(ConfigurationError, match="SSL_CERT_FILE"):
        Client(base_url=BASE_URL, api_key=KEY)


def openssl(directory: Path, *arguments: str) -> None:
    program = shutil.which("openssl")
    assert program, "openssl is not on PATH"
    subprocess.run([program, *arguments], cwd=directory, check=True, capture_output=True)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with ca.pem, and server.pem and server.key that it signed for 127.0.0.1."""
    directory = tmp_path_factory.mktemp("certificates")
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    # From 3.13 on, Python refuses certificates without the extensions that RFC 5280 requires.
    authority = ["-subj", "/CN=Test CA", "-days", "2", "-addext", "keyUsage=critical,keyCertSign"]
    openssl(directory, "req", "-x509", *curve, *authority, "-keyout", "ca.key", "-out", "ca.pem")
    openssl(directory, "req", *curve, "-subj", "/CN=server", "-keyout", "server.key", "-out", "server.csr")
    (directory / "names").write_text("subjectAltName=IP:127.0.0.1,DNS:api.test\nauthorityKeyIdentifier=keyid\n")
    signing = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names"]
    openssl(directory, "x509", "-req", "-in", "server.csr", *signing, "-out", "server.pem")
    return directory


@pytest.fixture
def tls_server(certificates: Path) -> Iterator[ScriptedServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "server.pem", certificates / "server.key")
    with ScriptedServer([answer(200, {"data": {}})], context) as server:
        yield server


def test_an_own_ca_is_trusted_when_it_is_named(
    certificates: Path, tls_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    Client(base_url=tls_server.base_url, api_key=KEY, ca_bundle=certificates / "ca.pem").get_account()
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates / "ca.pem"))
    Client(base_url=tls_server.base_url, api_key=KEY).get_account()
    assert len(tls_server.seen) == 2


def serial_numbers(context: ssl.SSLContext) -> set[str]:
    return {str(found["serialNumber"]) for found in context.get_ca_certs()}


def test_the_systems_certificates_are_trusted(certificates: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenSSL takes the place of the system's certificates from these variables too."""
    system = _system_trust()
    if system is not None:
        trusted = _trust(None, encrypted=True)
        assert serial_numbers(trusted) == serial_numbers(system), "not certifi's"
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(certificates / "none"))
    system = _system_trust()
    assert system is not None
    assert [found["subject"] for found in system.get_ca_certs()] == [((("commonName", "Test CA"),),)]
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates / "none.pem"))
    assert _system_trust() is None, "certifi's are taken instead"


def test_a_directory_of_certificates_counts_before_any_is_read(
    certificates: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates / "none.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    (tmp_path / "README").touch()
    assert _system_trust() is None
    shutil.copy(certificates / "ca.pem", tmp_path / "ca.pem")
    openssl(tmp_path, "rehash", ".")
    assert _system_trust() is not None


def test_an_untrusted_certificate_is_reported_without_a_retry(tls_server: ScriptedServer) -> None:
    began = time.monotonic()
    with pytest.raises(TransportError, match="CERTIFICATE_VERIFY_FAILED") as raised:
        Client(base_url=tls_server.base_url, api_key=KEY).update_blueprint("b", {})
    assert time.monotonic() - began < 20, "an outage would be borne for a minute"
    assert type(raised.value) is TransportError, "nothing was sent, so the outcome is known"
    assert tls_server.seen == []


def test_tls_goes_through_a_proxys_tunnel_that_never_sees_the_key(
    certificates: Path, tls_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusted = certificates / "ca.pem"
    with Tunnel() as tunnel:
        monkeypatch.setenv("HTTPS_PROXY", tunnel.url)
        Client(base_url=_by_name(tls_server), api_key=KEY, ca_bundle=trusted).get_account()
        assert tunnel.heads[0].startswith(f"CONNECT api.test:{tls_server.port} HTTP/1.1\r\n")
        assert KEY not in "".join(tunnel.heads)
        # This machine is reached directly, whatever NO_PROXY holds.
        for exceptions in ("", "localhost,127.0.0.1,[::1]", "[::1", "*"):
            monkeypatch.setenv("NO_PROXY", exceptions)
            Client(base_url=tls_server.base_url, api_key=KEY, ca_bundle=trusted).get_account()
        monkeypatch.setenv("NO_PROXY", "[::1],[::1,10.0.0.0/99,other.test")
        Client(base_url=_by_name(tls_server), api_key=KEY, ca_bundle=trusted).get_account()
        assert len(tunnel.heads) == 2, "entries that cover it not, and entries that cannot be read, change nothing"
    assert [seen.headers["authorization"] for seen in tls_server.seen] == [f"Bearer {KEY}"] * 6


def _by_name(server: ScriptedServer) -> str:
    """The server by a name that only the tunnel knows."""
    return server.base_url.replace("127.0.0.1", "api.test")


def test_an_unsafe_call_that_a_proxy_did_not_pass_on_is_repeated(
    certificates: Path, tls_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Tunnel(refusals=1) as tunnel:
        monkeypatch.setenv("HTTPS_PROXY", tunnel.url)
        Client(base_url=_by_name(tls_server), api_key=KEY, ca_bundle=certificates / "ca.pem").delete_blueprint("b")
        assert len(tunnel.heads) == 2
    assert len(tls_server.seen) == 1


@pytest.mark.parametrize(
    ("variable", "value", "named"),
    [
        ("HTTPS_PROXY", "ftp://proxy", "HTTPS_PROXY"),
        ("https_proxy", "http://", "https_proxy"),
        ("ALL_PROXY", "socks5://proxy:1080", "ALL_PROXY"),
        ("SSL_CERT_FILE", "/nowhere/ca.pem", "SSL_CERT_FILE, /nowhere/ca.pem"),
        ("SSLKEYLOGFILE", "/nowhere/keys", "SSLKEYLOGFILE, /nowhere/keys"),
    ],
)
def test_each_variable_at_fault_is_named_by_itself(
    variable: str, value: str, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigurationError) as raised:
        Client(base_url=BASE_URL, api_key=KEY)
    assert named in str(raised.value)
    others = {"HTTPS_PROXY", "ALL_PROXY", "SSL_CERT_FILE", "SSLKEYLOGFILE", "NO_PROXY", "POLYKOMOS"} - {named[:13]}
    assert not [each for each in others if each in str(raised.value) and each not in named]


def test_a_variable_that_no_call_would_use_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "ftp://proxy")
    Client(base_url=BASE_URL, api_key=KEY).close()  # https does not go there
    monkeypatch.setenv("HTTPS_PROXY", "ftp://proxy")
    monkeypatch.setenv("NO_PROXY", "polykomos.com")
    Client(base_url=BASE_URL, api_key=KEY).close()


def test_an_unsafe_call_that_met_nobody_is_repeated_until_someone_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    server = ScriptedServer([answer(200, {"data": {}})], port=port)
    # The first attempt is refused: nobody listens before the client has begun.
    threading.Timer(0.3, server.__enter__).start()
    try:
        Client(base_url=f"http://127.0.0.1:{port}/api/v1", api_key=KEY).delete_blueprint("b")
        assert [seen.method for seen in server.seen] == ["DELETE"]
    finally:
        server.__exit__()
