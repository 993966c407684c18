"""An application's id: the API's number with the UUIDs that cannot be had back from it (api-facts S27)."""

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
        """Raises ResourceError, with the right form, for anything else."""
        parts = text.split("/")
        if len(parts) == 3 and is_uuid(parts[0]) and is_uuid(parts[1]) and parts[2].isascii() and parts[2].isdigit():
            return cls(parts[0].lower(), parts[1].lower(), int(parts[2]))
        raise ResourceError(f"{text!r} is no application's id: it has the form {cls.FORM}")
