package clients_test

import (
	"fmt"
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/echoprovider"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/querycheck"
	"github.com/hashicorp/terraform-plugin-testing/querycheck/queryfilter"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
	"github.com/hashicorp/terraform-plugin-testing/tfversion"
)

// Every resource has an identity, by which it is imported.
func TestResourcesAreImportedByIdentity(t *testing.T) {
	name := unique("identity")
	id := tfjsonpath.New("id")
	steps := []resource.TestStep{{
		Config: applied(name, "identified") + webhook("https://hooks.example.com/"+name, `["database.deleted"]`),
		ConfigStateChecks: []statecheck.StateCheck{
			statecheck.ExpectIdentity(database, map[string]knownvalue.Check{"id": aUUID}),
		},
	}}
	for _, address := range []string{database, blueprint, application, endpoint} {
		matches := statecheck.ExpectIdentityValueMatchesState(address, id)
		steps[0].ConfigStateChecks = append(steps[0].ConfigStateChecks, matches)
		steps = append(steps, resource.TestStep{
			ResourceName:    address,
			ImportState:     true,
			ImportStateKind: resource.ImportBlockWithResourceIdentity,
		})
	}
	resource.Test(t, resource.TestCase{
		ExternalProviders:      installed(),
		TerraformVersionChecks: from(identitySince),
		Steps:                  steps,
	})
}

// `terraform query` finds what there is: its identity, its name, and its attributes where they are asked for.
func TestQueryListsWhatThereIs(t *testing.T) {
	name := unique("queried")
	named := queryfilter.ByDisplayName(knownvalue.StringExact(name))
	identity := map[string]knownvalue.Check{"id": aUUID}
	resource.Test(t, resource.TestCase{
		ExternalProviders:      installed(),
		TerraformVersionChecks: from(queriesSince),
		Steps: []resource.TestStep{
			{Config: oneDatabase(name, "")},
			{
				Query: true,
				Config: `
list "polykomos_database" "all" {
  provider         = polykomos
  include_resource = true
}
list "polykomos_webhook_endpoint" "all" {
  provider = polykomos
}
`,
				QueryResultChecks: []querycheck.QueryResultCheck{
					querycheck.ExpectLengthAtLeast("polykomos_database.all", 1),
					querycheck.ExpectIdentity("polykomos_database.all", identity),
					querycheck.ExpectResourceDisplayName("polykomos_database.all", named, knownvalue.StringExact(name)),
					querycheck.ExpectResourceKnownValues("polykomos_database.all", named, []querycheck.KnownValueCheck{
						{Path: tfjsonpath.New("name"), KnownValue: knownvalue.StringExact(name)},
						{Path: tfjsonpath.New("status"), KnownValue: knownvalue.StringExact("active")},
					}),
				},
			},
		},
	})
}

// The credentials reach another provider's configuration, and no state of ours.
func TestEphemeralCredentialsReachAnotherProvider(t *testing.T) {
	name := unique("ephemeral")
	data := func(key string) tfjsonpath.Path { return tfjsonpath.New("data").AtMapKey(key) }
	resource.Test(t, resource.TestCase{
		ExternalProviders: installed(),
		ProtoV6ProviderFactories: map[string]func() (tfprotov6.ProviderServer, error){
			"echo": echoprovider.NewProviderServer(),
		},
		TerraformVersionChecks: from(tfversion.Version1_10_0),
		Steps: []resource.TestStep{{
			Config: oneDatabase(name, "store_credentials = false") + `
ephemeral "polykomos_database_credentials" "this" {
  uuid = polykomos_database.this.uuid
}
provider "echo" {
  data = ephemeral.polykomos_database_credentials.this
}
resource "echo" "this" {}
`,
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownValue("echo.this", data("connection_string"), aConnection),
				statecheck.ExpectKnownValue("echo.this", data("name"), knownvalue.StringExact(name)),
				statecheck.ExpectKnownValue(database, tfjsonpath.New("connection_string"), knownvalue.Null()),
				statecheck.ExpectKnownValue(database, tfjsonpath.New("db_password"), knownvalue.Null()),
			},
		}},
	})
}

func TestFunctionsAnswerWithoutTheAPI(t *testing.T) {
	resource.Test(t, resource.TestCase{
		ExternalProviders: installed(),
		Steps: []resource.TestStep{
			{
				Config: `output "host" {
  value = provider::polykomos::parse_connection_string("postgresql://u:p@db.example.com:5433/shop").host
}
`,
				ConfigStateChecks: []statecheck.StateCheck{
					statecheck.ExpectKnownOutputValue("host", knownvalue.StringExact("db.example.com")),
				},
			},
			{
				Config: `output "host" {
  value = provider::polykomos::parse_connection_string("nothing of the kind").host
}
`,
				ExpectError: regexp.MustCompile(`parse_connection_string`),
			},
		},
	})
}

// An action that a resource triggers runs in the same apply.
func TestActionRunsAfterAResourceIsCreated(t *testing.T) {
	name := unique("action")
	resource.Test(t, resource.TestCase{
		ExternalProviders:      installed(),
		TerraformVersionChecks: from(queriesSince),
		Steps: []resource.TestStep{{
			Config: fmt.Sprintf(`
resource "polykomos_database" "this" {
  name = %q
  lifecycle {
    action_trigger {
      events  = [after_create]
      actions = [action.polykomos_run_query.this]
    }
  }
}
action "polykomos_run_query" "this" {
  config {
    database_uuid = polykomos_database.this.uuid
    query         = "list tables"
  }
}
`, name),
		}},
	})
}
