"""Polykomos in Pulumi programs in Python, without a plugin (docs/dynamic-provider.md).

from polykomos_provider import dynamic as polykomos

db = polykomos.Database("db", name="orders")
"""

from polykomos_provider.dynamic.resources import (
    Blueprint,
    BlueprintApplication,
    BlueprintVariable,
    Database,
    WebhookEndpoint,
)

__all__ = ["Blueprint", "BlueprintApplication", "BlueprintVariable", "Database", "WebhookEndpoint"]
