package clients_test

import (
	"fmt"
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/compare"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
)

func oneDatabase(name, arguments string) string {
	return fmt.Sprintf("resource \"polykomos_database\" \"this\" {\n  name = %q\n  %s\n}\n", name, arguments)
}

// A change of the quota keeps the object, a change of the region makes another one.
func TestDatabaseIsCreatedChangedAndReplaced(t *testing.T) {
	name := unique("lifecycle")
	uuid := tfjsonpath.New("uuid")
	same, another := statecheck.CompareValue(compare.ValuesSame()), statecheck.CompareValue(compare.ValuesDiffer())
	resource.Test(t, resource.TestCase{
		ExternalProviders: installed(),
		Steps: []resource.TestStep{
			{
				Config: oneDatabase(name, ""),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectResourceAction(database, plancheck.ResourceActionCreate),
					plancheck.ExpectKnownValue(database, tfjsonpath.New("name"), knownvalue.StringExact(name)),
					plancheck.ExpectUnknownValue(database, uuid),
					plancheck.ExpectUnknownValue(database, tfjsonpath.New("region")),
					plancheck.ExpectSensitiveValue(database, tfjsonpath.New("connection_string")),
					plancheck.ExpectSensitiveValue(database, tfjsonpath.New("db_password")),
				}},
				ConfigStateChecks: []statecheck.StateCheck{
					statecheck.ExpectKnownValue(database, uuid, aUUID),
					statecheck.ExpectKnownValue(database, tfjsonpath.New("status"), knownvalue.StringExact("active")),
					statecheck.ExpectKnownValue(database, tfjsonpath.New("db_type"), knownvalue.StringExact("postgres")),
					statecheck.ExpectKnownValue(database, tfjsonpath.New("plan"), knownvalue.StringExact("free")),
					statecheck.ExpectKnownValue(database, tfjsonpath.New("timeouts"), knownvalue.Null()),
					statecheck.ExpectKnownValue(database, tfjsonpath.New("connection_string"), aConnection),
					statecheck.ExpectSensitiveValue(database, tfjsonpath.New("db_password")),
					same.AddStateValue(database, uuid),
				},
			},
			{
				Config: oneDatabase(name+"-2", "connection_hard_limit = 7"),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectResourceAction(database, plancheck.ResourceActionUpdate),
					plancheck.ExpectKnownValue(database, uuid, aUUID),
				}},
				ConfigStateChecks: []statecheck.StateCheck{
					statecheck.ExpectKnownValue(database, tfjsonpath.New("connection_hard_limit"), knownvalue.Int64Exact(7)),
					statecheck.ExpectKnownValue(database, tfjsonpath.New("name"), knownvalue.StringExact(name+"-2")),
					same.AddStateValue(database, uuid),
					another.AddStateValue(database, uuid),
				},
			},
			{
				Config: oneDatabase(name+"-2", "region = \"eu-west-1\""),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectResourceAction(database, plancheck.ResourceActionDestroyBeforeCreate),
					plancheck.ExpectUnknownValue(database, uuid),
				}},
				ConfigStateChecks: []statecheck.StateCheck{another.AddStateValue(database, uuid)},
			},
		},
	})
}

// The command, an import block, and the configuration that the engine writes for one: nothing is left to change.
func TestDatabaseIsImported(t *testing.T) {
	name := unique("imported")
	resource.Test(t, resource.TestCase{
		ExternalProviders: installed(),
		Steps: []resource.TestStep{
			{Config: oneDatabase(name, "warning_threshold_pct = 60")},
			{
				ResourceName:      database,
				ImportState:       true,
				ImportStateVerify: true,
				// An import has their defaults, so that a program may name them or leave them out.
				ImportStateVerifyIgnore: []string{"deletion_protection", "store_credentials"},
			},
			{
				ResourceName:    database,
				ImportState:     true,
				ImportStateKind: resource.ImportBlockWithID,
				ImportPlanChecks: resource.ImportPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectKnownValue(database, tfjsonpath.New("name"), knownvalue.StringExact(name)),
				}},
			},
			{
				ResourceName:    database,
				ImportState:     true,
				ImportStateKind: resource.ImportBlockWithID,
				GenerateConfig:  true,
			},
		},
	})
}

func TestWrongArgumentsAreRejectedInThePlan(t *testing.T) {
	resource.Test(t, resource.TestCase{
		ExternalProviders: installed(),
		Steps: []resource.TestStep{
			{
				Config:      oneDatabase("Not A Name", ""),
				PlanOnly:    true,
				ExpectError: regexp.MustCompile(`must be 1-63 lowercase letters`),
			},
			{
				Config:      oneDatabase(unique("wrong"), "connection_hard_limit = 0"),
				PlanOnly:    true,
				ExpectError: regexp.MustCompile(`connection_hard_limit`),
			},
		},
	})
}
