"""The Polykomos provider functions: pure functions, for engines that support them."""

from __future__ import annotations

from typing import Any

from polykomos.functions.connection_string import ParseConnectionString
from polykomos.functions.render_blueprint import RenderBlueprint
from polykomos.functions.verify_webhook_signature import VerifyWebhookSignature
from resourcekit.resource import ProviderFunction

FUNCTIONS: tuple[ProviderFunction[Any], ...] = (ParseConnectionString(), VerifyWebhookSignature(), RenderBlueprint())
