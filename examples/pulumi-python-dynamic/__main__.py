"""A shop's database with its schema, and an endpoint that hears of it; no plugin is installed for this."""

import pulumi

from polykomos_provider import dynamic as polykomos

name = pulumi.Config().require("name")

# Versioned SQL. `pulumi preview` has it checked by the API before anything is changed.
schema = polykomos.Blueprint(
    "schema",
    name=f"{name}-contacts",
    sql_content="""
        CREATE TABLE contacts (id serial PRIMARY KEY, name text NOT NULL);
        INSERT INTO contacts (name) VALUES ({{first_contact}});
    """,
    variables={"first_contact": polykomos.BlueprintVariable(default="Ada Lovelace")},
)

# The endpoint comes first, so that it hears of the database.
audit = polykomos.WebhookEndpoint(
    "audit",
    url=f"https://hooks.example.com/{name}",
    events=["database.provisioned", "database.deleted"],
)

# A slow database fails the run after ten minutes; the next run waits on.
patient = pulumi.ResourceOptions(depends_on=audit, custom_timeouts=pulumi.CustomTimeouts(create="10m"))
orders = polykomos.Database("orders", patient, name=name, warning_threshold_pct=70)

# One transaction. A new version of the schema is a new application.
applied = polykomos.BlueprintApplication(
    "applied",
    database_uuid=orders.uuid,
    blueprint_uuid=schema.uuid,
    blueprint_version=schema.version,
    variables={"first_contact": "Grace Hopper"},
)

pulumi.export("url", orders.connection_string)
pulumi.export("statements", applied.statements_succeeded)
pulumi.export("webhook_secret", audit.secret)
