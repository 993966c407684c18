"""The Polykomos calculations: pure functions, for engines that have them."""

from __future__ import annotations

from typing import Any

from polykomos.calculations.connection_string import ParseConnectionString
from polykomos.calculations.rendering import RenderBlueprint
from polykomos.calculations.signature import VerifyWebhookSignature
from resourcekit.resource import ProviderFunction

CALCULATIONS: tuple[ProviderFunction[Any], ...] = (ParseConnectionString(), VerifyWebhookSignature(), RenderBlueprint())
