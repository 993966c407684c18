"""A shop's database, its schema and who hears of it."""

import pulumi
import pulumi_polykomos as polykomos

# Versioned SQL. A preview has it checked by the API before anything is changed.
contacts = polykomos.Blueprint(
    "contacts",
    name="shop-contacts",
    sql_content="""
CREATE TABLE contacts (id serial PRIMARY KEY, name text NOT NULL);
INSERT INTO contacts (name) VALUES ({{first_contact}});
""",
    variables={"first_contact": polykomos.BlueprintVariableArgs(default="Ada Lovelace")},
)

orders = polykomos.ManagedDatabase(
    "orders",
    name="shop-orders",
    connection_hard_limit=15,
    deletion_protection=pulumi.get_stack() == "production",
    blueprints=[
        polykomos.ManagedDatabaseBlueprintArgs(
            blueprint_uuid=contacts.uuid,
            blueprint_version=contacts.version,
            variables={"first_contact": "Grace Hopper"},
        )
    ],
    webhook=polykomos.ManagedDatabaseWebhookArgs(
        url="https://hooks.example.com/shop", events=["database.provisioned", "database.deleted"]
    ),
)

pulumi.export("endpoint", orders.endpoint)
pulumi.export("connectionString", orders.connection_string)  # secret, as the SDK knows
pulumi.export("plan", polykomos.get_database_output(uuid=orders.database_uuid).plan)
