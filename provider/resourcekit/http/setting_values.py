"""Validation of keys and base URLs, for the settings, the clients and the commands."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Final
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BaseModel

# Besides white space, editors and shells add a byte order mark to a file.
_ENDS: Final = "\ufeff"


def normalize_key(text: str) -> str:
    """Return the key without the white space around it, such as the line break of a file.

    Raises:
        ValueError: The key cannot be sent in a header. The message never shows the key.
    """
    key = text.strip().strip(_ENDS).strip()
    if not key:
        raise ValueError("must not be empty")
    if any(map(str.isspace, key)):
        raise ValueError("must not contain spaces or line breaks: it must be one key and nothing else")
    if not key.isascii() or not key.isprintable():
        raise ValueError("must contain printable ASCII characters only")
    return key


def normalize_password(text: str) -> str:
    """Return the password without the line breaks at its end, which a file has. Other white space may belong to it.

    Raises:
        ValueError: Nothing is left.
    """
    password = text.rstrip("\r\n")
    if not password:
        raise ValueError("must not be empty")
    return password


def normalize_url(text: str, *, path: str, example: str) -> str:
    """Return the base URL of an API without the white space around it and without a slash at its end.

    Args:
        text: The URL.
        path: The end of its path; empty for any.
        example: A valid URL, for messages.

    Raises:
        ValueError: The URL is invalid. The message never shows the URL, which may contain a password.
    """
    ends = f" that ends in {path}" if path else ""
    form = f"must be an http(s) URL{ends}, such as {example}"
    url = text.strip().strip(_ENDS).strip().rstrip("/")
    if any(each.isspace() or not each.isprintable() for each in url):
        raise ValueError("must not contain spaces, line breaks or control characters")
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        raise ValueError(f"{form}: its host is invalid") from None
    if parts.scheme not in ("http", "https") or not host or not parts.path.endswith(path):
        raise ValueError(form)
    if "@" in parts.netloc:
        raise ValueError("must not contain a user name or a password: the API key is a setting of its own")
    if parts.query or parts.fragment or "?" in url or "#" in url:
        raise ValueError(f"{form}, without a query or a fragment")
    _check_host(host)
    _check_port(parts)
    return url


def BaseUrl(*, path: str = "", example: str) -> AfterValidator:  # noqa: N802 (reads as a marker)
    """Return the validator of a setting with an API's URL (`normalize_url`)."""
    return AfterValidator(lambda text: normalize_url(text, path=path, example=example))


def environment_of(name: str, settings: type[BaseModel]) -> Mapping[str, str]:
    """Return the environment variable of each setting: NAME_SETTING in upper case.

    A setting that a program omits comes from its variable. Such a value is never stored in the engine's state.
    """
    return {setting: f"{name}_{setting}".upper() for setting in settings.model_fields}


def is_loopback(host: str) -> bool:
    """Return whether a host name or address (without brackets) is this machine."""
    name = host.lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool(address.is_loopback or (mapped is not None and mapped.is_loopback))


def is_unencrypted(base_url: str) -> bool:
    """Return whether calls to a base URL in normal form cross a network in plain text."""
    parts = urlsplit(base_url)
    return parts.scheme == "http" and not is_loopback(parts.hostname or "")


def _check_host(host: str) -> None:
    try:
        host.encode("idna")
    except ValueError:  # UnicodeError is one
        raise ValueError("its host is not a valid host name") from None
    if ":" not in host and not all(each.isalnum() or each in "-._~" for each in host):
        raise ValueError("its host is not a valid host name")


def _check_port(parts: SplitResult) -> None:
    try:
        port = parts.port
    except ValueError:
        raise ValueError("its port must be a number from 1 to 65535") from None
    if port == 0:
        raise ValueError("its port must be a number from 1 to 65535")
