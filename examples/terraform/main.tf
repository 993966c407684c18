data "polykomos_account" "me" {}

data "polykomos_database_types" "offered" {}

resource "polykomos_blueprint" "tenants" {
  name        = "tenants"
  description = "A table of tenants with the first one in it."
  sql_content = file("${path.module}/tenants.sql")

  variables = {
    tenant = { required = true, description = "Name of the first tenant." }
    seats  = { type = "number", default = 5 }
  }
}

module "environment" {
  source   = "./modules/managed-database"
  for_each = var.environments

  name        = "app-${each.key}"
  plan        = each.value.plan
  connections = each.value.connections
  blueprint   = polykomos_blueprint.tenants
  variables   = { tenant = each.key }
}

# The hook was called `events` once.
resource "polykomos_webhook_endpoint" "deploys" {
  url    = var.hook_url
  events = ["database.provisioned", "database.deleted"]

  # Without this the old endpoint is revoked before the new one exists.
  lifecycle {
    create_before_destroy = true
  }
}

moved {
  from = polykomos_webhook_endpoint.events
  to   = polykomos_webhook_endpoint.deploys
}

# Databases that were made by hand: name them in `adopted`, and the next apply takes them over as they are.
resource "polykomos_database" "adopted" {
  for_each = var.adopted

  name                = each.key
  deletion_protection = true
}

import {
  for_each = var.adopted
  to       = polykomos_database.adopted[each.key]
  id       = each.value
}

# A database that another team manages now: forgotten here, and left alone.
removed {
  from = polykomos_database.handed_over

  lifecycle {
    destroy = false
  }
}

check "key" {
  assert {
    condition     = contains(data.polykomos_account.me.permissions, "databases:write")
    error_message = "The API key may not write databases: an apply will be refused."
  }
}

check "offer" {
  assert {
    condition     = contains(data.polykomos_database_types.offered.database_types[*].value, "postgres")
    error_message = "PostgreSQL is not on offer."
  }
}
