# The program whose calls release 0.1.0 (commit 7ca6e87) answered; they are beside this file. Each resource depends on the
# one before it, so that the control plane hands out its ids in this order.
resource "polykomos_blueprint" "seen" {
  name        = "seen"
  sql_content = "CREATE TABLE IF NOT EXISTS seen (who text, n int); INSERT INTO seen VALUES ({{who}}, {{n}});"
  description = "Every option"
  variables = {
    who = { type = "string", default = "nobody", description = "Who was seen." }
    n   = { type = "number", required = true }
  }
}
resource "polykomos_database" "shop" {
  name                           = "shop"
  storage_hard_limit_gb          = 2.5
  connection_hard_limit          = 5
  blueprint_uuid                 = polykomos_blueprint.seen.uuid
  blueprint_variables_wo         = { who = "write-only", n = 1 }
  blueprint_variables_wo_version = 1
  deletion_protection            = true
  timeouts                       = { create = "10m", update = "11m", delete = "12m" }
}
resource "polykomos_blueprint_application" "open" {
  database_uuid     = polykomos_database.shop.uuid
  blueprint_uuid    = polykomos_blueprint.seen.uuid
  blueprint_version = polykomos_blueprint.seen.version
  variables         = { who = "in the open", n = 3 }
}
resource "polykomos_blueprint_application" "write_only" {
  database_uuid        = polykomos_database.shop.uuid
  blueprint_uuid       = polykomos_blueprint.seen.uuid
  variables_wo         = { who = "write-only", n = 4 }
  variables_wo_version = 1
  depends_on           = [polykomos_blueprint_application.open]
}
resource "polykomos_webhook_endpoint" "hook" {
  url        = "https://hooks.example.com/full"
  events     = ["database.deleted", "database.provisioned"]
  depends_on = [polykomos_blueprint_application.write_only]
}
