package clients_test

import (
	"fmt"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/compare"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
)

// applied is a database with a table that a blueprint makes, and what data sources say of both.
func applied(name, table string) string {
	return oneDatabase(name, "") + fmt.Sprintf(`
resource "polykomos_blueprint" "this" {
  name        = %q
  sql_content = "CREATE TABLE {{table}} (n int);"
  variables   = { table = { type = "identifier", required = true } }
}
resource "polykomos_blueprint_application" "this" {
  database_uuid     = polykomos_database.this.uuid
  blueprint_uuid    = polykomos_blueprint.this.uuid
  blueprint_version = polykomos_blueprint.this.version
  variables         = { table = %q }
}
data "polykomos_database" "this" {
  uuid = polykomos_database.this.uuid
}
data "polykomos_blueprint" "this" {
  uuid = polykomos_blueprint.this.uuid
}
`, name, table)
}

// Another value of a variable is another application; the blueprint and the database stay.
func TestBlueprintIsAppliedAndReadByDataSources(t *testing.T) {
	name := unique("applied")
	id := tfjsonpath.New("id")
	another := statecheck.CompareValue(compare.ValuesDiffer())
	resource.Test(t, resource.TestCase{
		ExternalProviders: installed(),
		Steps: []resource.TestStep{
			{
				Config: applied(name, "first"),
				ConfigStateChecks: []statecheck.StateCheck{
					statecheck.ExpectKnownValue(application, tfjsonpath.New("status"), knownvalue.StringExact("completed")),
					statecheck.ExpectKnownValue(application, tfjsonpath.New("statements_succeeded"), knownvalue.Int64Exact(1)),
					statecheck.ExpectKnownValue(application, tfjsonpath.New("warnings"), knownvalue.ListSizeExact(0)),
					statecheck.ExpectKnownValue("data."+database, tfjsonpath.New("name"), knownvalue.StringExact(name)),
					statecheck.CompareValuePairs(
						"data."+blueprint, tfjsonpath.New("sql_content"), blueprint, tfjsonpath.New("sql_content"), compare.ValuesSame(),
					),
					another.AddStateValue(application, id),
				},
			},
			{
				Config: applied(name, "second"),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectResourceAction(database, plancheck.ResourceActionNoop),
					plancheck.ExpectResourceAction(blueprint, plancheck.ResourceActionNoop),
					plancheck.ExpectResourceAction(application, plancheck.ResourceActionDestroyBeforeCreate),
				}},
				ConfigStateChecks: []statecheck.StateCheck{another.AddStateValue(application, id)},
			},
			{ResourceName: blueprint, ImportState: true, ImportStateVerify: true},
			{ResourceName: application, ImportState: true, ImportStateKind: resource.ImportBlockWithID},
		},
	})
}

func webhook(url, events string) string {
	return fmt.Sprintf("resource \"polykomos_webhook_endpoint\" \"this\" {\n  url = %q\n  events = %s\n}\n", url, events)
}

// The API shows the secret once: an import has none, and that is no difference.
func TestWebhookEndpointIsReplacedAndImported(t *testing.T) {
	url := "https://hooks.example.com/" + unique("hook")
	another := statecheck.CompareValue(compare.ValuesDiffer())
	resource.Test(t, resource.TestCase{
		ExternalProviders: installed(),
		Steps: []resource.TestStep{
			{
				Config: webhook(url, `["database.deleted"]`),
				ConfigStateChecks: []statecheck.StateCheck{
					statecheck.ExpectSensitiveValue(endpoint, tfjsonpath.New("secret")),
					statecheck.ExpectKnownValue(endpoint, tfjsonpath.New("secret"), knownvalue.NotNull()),
					another.AddStateValue(endpoint, tfjsonpath.New("id")),
				},
			},
			{
				Config:            webhook(url+"/2", `["database.deleted"]`),
				ConfigStateChecks: []statecheck.StateCheck{another.AddStateValue(endpoint, tfjsonpath.New("id"))},
			},
			{
				ResourceName:            endpoint,
				ImportState:             true,
				ImportStateVerify:       true,
				ImportStateVerifyIgnore: []string{"secret"},
			},
			{ResourceName: endpoint, ImportState: true, ImportStateKind: resource.ImportBlockWithID},
		},
	})
}
