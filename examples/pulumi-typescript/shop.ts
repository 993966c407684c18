// A shop's database, its schema and who hears of it: the same program for `pulumi up` and for the Automation API.
import * as polykomos from "@polykomos/pulumi";
import * as pulumi from "@pulumi/pulumi";

export function shop() {
    // Versioned SQL. A preview has it checked by the API before anything is changed.
    const contacts = new polykomos.Blueprint("contacts", {
        name: "shop-contacts",
        sqlContent: `
CREATE TABLE contacts (id serial PRIMARY KEY, name text NOT NULL);
INSERT INTO contacts (name) VALUES ({{first_contact}});
`,
        variables: { first_contact: { default: "Ada Lovelace" } },
    });

    const orders = new polykomos.ManagedDatabase("orders", {
        name: "shop-orders",
        connectionHardLimit: 15,
        deletionProtection: pulumi.getStack() === "production",
        blueprints: [
            {
                blueprintUuid: contacts.uuid,
                blueprintVersion: contacts.version,
                variables: { first_contact: "Grace Hopper" },
            },
        ],
        webhook: {
            url: "https://hooks.example.com/shop",
            events: ["database.provisioned", "database.deleted"],
        },
    });

    return {
        endpoint: orders.endpoint,
        connectionString: orders.connectionString, // secret, as the SDK knows
        plan: polykomos.getDatabaseOutput({ uuid: orders.databaseUuid }).plan,
    };
}
