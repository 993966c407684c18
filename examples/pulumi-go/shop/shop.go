// Package shop declares a shop's database, its schema and who hears of it.
package shop

import (
	"github.com/polykomos/pulumi-polykomos/sdk/go/polykomos"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

const contacts = `
CREATE TABLE contacts (id serial PRIMARY KEY, name text NOT NULL);
INSERT INTO contacts (name) VALUES ({{first_contact}});
`

// Shop is the program: the same for `pulumi up` and for the Automation API.
func Shop(ctx *pulumi.Context) error {
	// Versioned SQL. A preview has it checked by the API before anything is changed.
	schema, err := polykomos.NewBlueprint(ctx, "contacts", &polykomos.BlueprintArgs{
		Name:       pulumi.String("shop-contacts"),
		SqlContent: pulumi.String(contacts),
		Variables: polykomos.BlueprintVariableMap{
			"first_contact": polykomos.BlueprintVariableArgs{Default: pulumi.String("Ada Lovelace")},
		},
	})
	if err != nil {
		return err
	}

	orders, err := polykomos.NewManagedDatabase(ctx, "orders", &polykomos.ManagedDatabaseArgs{
		Name:                pulumi.String("shop-orders"),
		ConnectionHardLimit: pulumi.Int(15),
		DeletionProtection:  pulumi.Bool(ctx.Stack() == "production"),
		Blueprints: polykomos.ManagedDatabaseBlueprintArray{
			polykomos.ManagedDatabaseBlueprintArgs{
				BlueprintUuid:    schema.Uuid,
				BlueprintVersion: schema.Version,
				Variables:        pulumi.Map{"first_contact": pulumi.String("Grace Hopper")},
			},
		},
		Webhook: polykomos.ManagedDatabaseWebhookArgs{
			Url:    pulumi.String("https://hooks.example.com/shop"),
			Events: pulumi.ToStringArray([]string{"database.provisioned", "database.deleted"}),
		},
	})
	if err != nil {
		return err
	}

	found := polykomos.LookupDatabaseOutput(ctx, polykomos.LookupDatabaseOutputArgs{Uuid: orders.DatabaseUuid})
	ctx.Export("endpoint", orders.Endpoint)
	ctx.Export("connectionString", orders.ConnectionString) // secret, as the SDK knows
	ctx.Export("plan", found.Plan())
	return nil
}
