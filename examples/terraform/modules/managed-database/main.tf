# A database with a blueprint applied to it.

terraform {
  required_version = ">= 1.8"
  required_providers {
    polykomos = {
      source  = "polykomos/polykomos"
      version = "~> 0.1"
    }
  }
}

resource "polykomos_database" "this" {
  name                  = var.name
  plan                  = var.plan
  connection_hard_limit = var.connections
  deletion_protection   = var.protected
}

# A new version of the blueprint is a new application, dry-run in the plan.
resource "polykomos_blueprint_application" "this" {
  count = var.blueprint == null ? 0 : 1

  database_uuid     = polykomos_database.this.uuid
  blueprint_uuid    = var.blueprint.uuid
  blueprint_version = var.blueprint.version
  variables         = var.variables
}
