"""One attempt to deliver, against real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from controlplane.http import client
from controlplane.webhooks import sender
from controlplane.webhooks.sender import DeliveryResult
from support.receiver import Receiver

HEADERS = (("X-Polykomos-Event", "ping"),)


def post(url: str, *, body: bytes = b"{}", seconds: float = 10, loopback: bool = True) -> DeliveryResult:
    return asyncio.run(sender.post(url, HEADERS, body, loopback=loopback, seconds=seconds))


@contextlib.contextmanager
def talker(speak: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that does `speak` on its one connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                speak(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/x"
        thread.join(10)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "2130706433"])
def test_this_machine_is_reached_only_where_it_may_be(host: str) -> None:
    with Receiver() as receiver:
        url = receiver.url.replace("127.0.0.1", host)
        assert post(url).is_success
        refused = post(url, loopback=False)
    assert refused == DeliveryResult(None, "Nothing is sent to the endpoint's address: it belongs to this machine.")
    assert len(receiver.received) == 1


def test_metadata_services_are_blocked_under_every_spelling() -> None:
    for host in ("169.254.169.254", "[::ffff:169.254.169.254]", "[64:ff9b::a9fe:a9fe]", "0xa9fea9fe"):
        refused = post(f"https://{host}/latest/meta-data", seconds=1)
        assert "metadata" in str(refused.error_message), host


@pytest.mark.facts("webhooks:success")
@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_any_2xx_is_success(status: int) -> None:
    with Receiver([status]) as receiver:
        assert post(receiver.url) == DeliveryResult(status, None)


@pytest.mark.facts("webhooks:success")
@pytest.mark.parametrize("status", [304, 400, 404, 410, 500, 503])
def test_another_status_is_a_failure(status: int) -> None:
    with Receiver([status]) as receiver:
        assert post(receiver.url) == DeliveryResult(status, f"The endpoint answered with status {status}.")


@pytest.mark.facts("webhooks:redirects")
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    with Receiver([status, 200]) as receiver:
        assert post(receiver.url).response_code == status
        assert [request.path for request in receiver.received] == ["/hooks?from=test"]


def test_what_arrives() -> None:
    body = '{"name": "bücher"}'.encode() * 50_000
    with Receiver() as receiver:
        assert post(receiver.url, body=body).is_success
    (request,) = receiver.received
    assert request.body == body
    assert request.path == "/hooks?from=test"
    assert request.headers["Host"] == receiver.origin.removeprefix("http://")
    assert request.headers["X-Polykomos-Event"] == "ping"


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    outcome = post(f"http://127.0.0.1:{port}/x")
    assert outcome.response_code is None
    assert outcome.error_message is not None
    assert "Could not reach" in outcome.error_message


def test_an_unknown_host() -> None:
    outcome = post("https://nowhere.invalid/x")
    assert outcome.response_code is None
    assert not outcome.is_success


@pytest.mark.facts("webhooks:timeout")
def test_no_answer_in_time() -> None:
    with Receiver() as receiver:
        receiver.gate.clear()
        assert post(receiver.url, seconds=0.3) == DeliveryResult(None, "No answer within 0.3 seconds.")


def test_an_answer_that_drips_does_not_stretch_the_time() -> None:
    def drip(connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            connection.sendall(b"HTTP/1.1 200 OK\r\n")
            for number in range(1000):
                connection.sendall(b"X-%d: y\r\n" % number)
                threading.Event().wait(0.05)

    with talker(drip) as url:
        assert post(url, seconds=0.5) == DeliveryResult(None, "No answer within 0.5 seconds.")


@pytest.mark.parametrize("answer", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200", b"X: " + b"y" * 100_000])
def test_what_is_not_http(answer: bytes) -> None:
    def speak(connection: socket.socket) -> None:
        connection.recv(65536)
        with contextlib.suppress(OSError):
            connection.sendall(answer)

    with talker(speak) as url:
        outcome = post(url)
    assert outcome.response_code is None
    assert not outcome.is_success


def test_an_interim_answer_is_not_the_answer() -> None:
    def speak(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 202 Accepted\r\n\r\n")

    with talker(speak) as url:
        assert post(url) == DeliveryResult(202, None)


@pytest.fixture
def tls(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The URL of a TLS server for `localhost`, and the certificate that it would have to be trusted by."""
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    def speak(connection: socket.socket) -> None:
        with contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True) as secured:
            secured.recv(65536)
            secured.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    client.tls_context.cache_clear()
    with talker(speak) as url:
        yield url.replace("http://127.0.0.1", "https://localhost"), certificate
    client.tls_context.cache_clear()


def test_tls_to_a_trusted_endpoint(tls: tuple[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    url, certificate = tls
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert post(url) == DeliveryResult(204, None)


def test_tls_to_an_unknown_endpoint(tls: tuple[str, Path]) -> None:
    url, _ = tls
    outcome = post(url)
    assert outcome.error_message is not None
    assert "certificate was not accepted" in outcome.error_message


def test_tls_to_the_wrong_host(tls: tuple[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    url, certificate = tls
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    outcome = post(url.replace("localhost", "127.0.0.1"))
    assert outcome.error_message is not None
    assert "certificate was not accepted" in outcome.error_message


@pytest.mark.facts("webhooks:timeout")
def test_an_attempt_has_ten_seconds() -> None:
    assert sender.post.__kwdefaults__["seconds"] == 10
