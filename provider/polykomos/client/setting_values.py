"""Validation of the API key and the base URL, for the settings, the client and the commands."""

from __future__ import annotations

from typing import Final

from resourcekit.http.setting_values import is_loopback, is_unencrypted, normalize_key, normalize_url

__all__ = ["API_PATH", "is_loopback", "is_unencrypted", "normalize_api_key", "normalize_base_url"]

API_PATH: Final = "/api/v1"
normalize_api_key = normalize_key


def normalize_base_url(text: str) -> str:
    """Return the URL without the white space around it and without a slash at its end.

    Raises:
        ValueError: The URL is invalid. The message never shows the URL, which may contain a password.
    """
    return normalize_url(text, path=API_PATH, example="https://polykomos.com/api/v1")
