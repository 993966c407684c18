"""An application's id: the API's number, and the UUIDs that the API does not return for it (api-facts S27)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from polykomos.resources.conversions import is_uuid
from resourcekit.errors import ResourceError


@dataclass(frozen=True)
class ApplicationId:
    """`<database uuid>/<blueprint uuid>/<application number>`."""

    FORM: ClassVar[str] = "<database uuid>/<blueprint uuid>/<application number>"

    database_uuid: str
    blueprint_uuid: str
    number: int

    def __str__(self) -> str:
        return f"{self.database_uuid}/{self.blueprint_uuid}/{self.number}"

    @classmethod
    def parse(cls, text: str) -> ApplicationId:
        """Return the id that a text contains.

        Raises:
            ResourceError: The text has another form; the message shows the right one.
        """
        parts = text.split("/")
        if len(parts) == 3 and is_uuid(parts[0]) and is_uuid(parts[1]) and parts[2].isascii() and parts[2].isdigit():
            return cls(parts[0].lower(), parts[1].lower(), int(parts[2]))
        raise ResourceError(f"{text!r} is not the id of a blueprint application, which has the form {cls.FORM}")
