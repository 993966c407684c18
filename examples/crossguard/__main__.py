"""Policies of a team: Pulumi checks each resource against them, in every preview and before every change."""

from __future__ import annotations

import re
from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    PolicyConfigSchema,
    PolicyPack,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
)

# Comments and quoted text: what stands in them is no statement.
_NOT_SQL = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'", re.DOTALL)
_DROP = re.compile(r"\bDROP\s+(?!CONSTRAINT\b|DEFAULT\b|NOT\b)(\w+)", re.IGNORECASE)


def protect_production(args: ResourceValidationArgs, report: ReportViolation) -> None:
    """Require deletion protection of a production stack's databases."""
    if args.resource_type != "polykomos:index:Database":
        return
    stack = args.urn.split("::")[0].rpartition(":")[2]
    if stack in args.get_config()["stacks"] and args.props.get("deletionProtection") is not True:
        report(f"Set `deletionProtection: true`: {stack} is a production stack.")


def keep_tables(args: ResourceValidationArgs, report: ReportViolation) -> None:
    """Refuse a blueprint that drops what holds data."""
    if args.resource_type != "polykomos:index:Blueprint":
        return
    for dropped in _DROP.findall(_NOT_SQL.sub(" ", text_of(args.props, "sqlContent"))):
        report(f"`sqlContent` has DROP {dropped.upper()}. Rename what is no longer used, and drop it by hand later.")


def encrypt_webhooks(args: ResourceValidationArgs, report: ReportViolation) -> None:
    """Require TLS of a webhook endpoint."""
    if args.resource_type != "polykomos:index:WebhookEndpoint":
        return
    if not text_of(args.props, "url").lower().startswith("https://"):
        report("`url` must begin with https://: webhooks name databases and users.")


def text_of(props: Any, name: str) -> str:
    """Return a property that the preview knows; what depends on other resources is checked when they are there."""
    value = props.get(name)
    return value if isinstance(value, str) else ""


PolicyPack(
    name="polykomos",
    enforcement_level=EnforcementLevel.MANDATORY,
    policies=[
        ResourceValidationPolicy(
            name="production-databases-are-protected",
            description="Databases of production stacks have deletion protection.",
            config_schema=PolicyConfigSchema(
                properties={"stacks": {"type": "array", "items": {"type": "string"}, "default": ["production"]}}
            ),
            validate=protect_production,
        ),
        ResourceValidationPolicy(
            name="blueprints-drop-nothing",
            description="The SQL of blueprints drops no tables, columns or schemas.",
            validate=keep_tables,
        ),
        ResourceValidationPolicy(
            name="webhooks-are-encrypted",
            description="Webhook endpoints are https URLs.",
            validate=encrypt_webhooks,
        ),
    ],
)
