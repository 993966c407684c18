"""Which proxy counts for a URL, by the environment's variables; and what the settings' values are in normal form."""

from __future__ import annotations

import pytest

from polykomos.client.setting_values import is_unencrypted, normalize_api_key, normalize_base_url
from resourcekit.http.proxy import Route, proxy_fault, route

PROXY = "http://user:hunter2@proxy.test:3128"


def routed(host: str, no_proxy: str, scheme: str = "https") -> Route:
    return route(f"{scheme}://{host}/api/v1", {"https": PROXY, "http": PROXY, "no": no_proxy}, {"NO_PROXY": no_proxy})


@pytest.mark.parametrize(
    ("host", "entry"),
    [
        ("api.example.com", "*"),
        ("api.example.com", "api.example.com"),
        ("api.example.com", "API.Example.com."),
        ("api.example.com", "example.com"),
        ("api.example.com", ".example.com"),
        ("api.example.com", "*.example.com"),
        ("api.example.com", "api.example.com:443"),
        ("api.example.com:8443", "example.com:8443"),
        ("api.example.com", "https://api.example.com"),
        ("api.example.com", "https://api.example.com/"),
        ("b\xfccher.example", "xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "B\xdcCHER.example"),
        ("10.1.2.3", "10.1.2.3"),
        ("10.1.2.3", "10.0.0.0/8"),
        ("10.1.2.3:8080", "10.1.2.3:8080"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]", "[2001:0DB8:0::1]"),
        ("[2001:db8::1]", "2001:db8::/32"),
        ("[2001:db8::1]", "[2001:db8::]/32"),
        ("[2001:db8::1]:8080", "[2001:db8::1]:8080"),
        ("[fe80::1%25eth0]", "fe80::1%eth0"),
        ("[fe80::1%25eth0]", "[fe80::1]"),
        ("[fe80::1%25eth0]", "fe80::/10"),
        ("[::ffff:10.1.2.3]", "10.0.0.0/8"),
    ],
)
def test_an_entry_is_honoured_beside_others_and_by_itself(host: str, entry: str) -> None:
    for no_proxy in (entry, f" other.test , {entry},", f"[::1, {entry} [::1]"):
        found = routed(host, no_proxy)
        assert found.proxy == "", no_proxy
        assert f"NO_PROXY has the entry {entry}" in found.reason


@pytest.mark.parametrize(
    ("host", "entry"),
    [
        ("api.example.com", "example.org"),
        ("notexample.com", "example.com"),
        ("example.com", ".example.com"),
        ("api.example.com", "api.example.com:8443"),
        ("api.example.com", "http://api.example.com"),
        ("10.1.2.3", "10.0.0.0/16"),
        ("10.1.2.3", "1.2.3"),
        ("[2001:db8::1]", "[2001:db8::2]"),
        ("[2001:db8::1]", "10.0.0.0/8"),
        ("[fe80::1%25eth0]", "fe80::1%eth1"),
        ("api.example.com", "localhost,127.0.0.1,[::1]"),
    ],
)
def test_an_entry_covers_no_more_than_it_names(host: str, entry: str) -> None:
    found = routed(host, entry)
    assert (found.proxy, found.source, found.passed_over) == (PROXY, "HTTPS_PROXY", ())
    assert found.shown == "http://proxy.test:3128"


@pytest.mark.parametrize(
    "entry", ["[::1", "::1]", "[]", "[x]", "10.0.0.0/99", "host:port", "host:0", "host:99999", "a/b", "ftp://x", ":::"]
)
def test_an_entry_that_cannot_be_read_is_passed_over_by_name(entry: str) -> None:
    found = routed("api.example.com", f"localhost,{entry}")
    assert found.proxy == PROXY
    assert found.passed_over == (entry,)
    assert routed("api.example.com", f"{entry},example.com").proxy == ""


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8080", "a.localhost", "127.0.0.1", "127.9.9.9", "[::1]:8080", "[::ffff:127.0.0.1]"]
)
def test_this_machine_is_reached_directly(host: str) -> None:
    assert routed(host, "", "http").reason == "it is this machine"
    assert not is_unencrypted(normalize_base_url(f"http://{host}/api/v1"))


@pytest.mark.parametrize(
    "host", ["localhost.evil.example", "127.0.0.1.evil.example", "example.com", "10.0.0.1", "[2001:db8::1]"]
)
def test_plain_http_to_another_machine_is_noticed(host: str) -> None:
    assert is_unencrypted(normalize_base_url(f"http://{host}/api/v1"))
    assert not is_unencrypted(normalize_base_url(f"https://{host}/api/v1"))


def test_the_variable_of_the_scheme_comes_first_and_the_lower_case_one_counts() -> None:
    url = "https://api.example.com/api/v1"
    assert route(url, {"all": "a.test", "https": "b.test"}, {"https_proxy": "b.test", "HTTPS_PROXY": "c"}) == Route(
        proxy="http://b.test", source="https_proxy"
    )
    assert route(url, {"all": "a.test", "http": "b.test"}, {"ALL_PROXY": "a.test"}).source == "ALL_PROXY"
    assert route(url, {"http": "b.test"}, {}).reason == "no proxy is set"


def test_what_is_said_of_a_proxy_shows_none_of_it() -> None:
    assert proxy_fault(PROXY) == proxy_fault("socks5h://[::1]:1080") == ""
    for proxy in (
        "ftp://u:hunter2@x",
        "http://u:hunter2@",
        "http://u:hunter2@x:0",
        "http://u:hunter2@x:y",
        "http://a b",
    ):
        assert "must be" in proxy_fault(proxy)
        assert "hunter2" not in proxy_fault(proxy)


def test_values_are_trimmed_before_they_are_judged() -> None:
    for around in ("{}", "{}\n", " \t{}\r\n", "\ufeff{}\n"):
        assert normalize_api_key(around.format("pk_live_x")) == "pk_live_x"
        assert normalize_base_url(around.format("http://h/api/v1/")) == "http://h/api/v1"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://h/api/v1", "must be an http"),
        ("https://h/api/v2", "ends in /api/v1"),
        ("https://u:hunter2@h/api/v1", "user name or a password"),
        ("https://h:99999/api/v1", "port"),
        ("https://h:0/api/v1", "port"),
        ("https://h/api/v1?x=hunter2", "must be an http"),
        ("https://a\nb/api/v1", "line breaks"),
        ("https://a..b/api/v1", "host"),
        ("https://[::1/api/v1", "host"),
    ],
)
def test_each_fault_of_a_base_url_is_named_by_itself(url: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as raised:
        normalize_base_url(url)
    assert "hunter2" not in str(raised.value)
