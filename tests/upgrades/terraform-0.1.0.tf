# What release 0.1.0 (commit 7ca6e87) applied; the states that it wrote are beside this file. Each resource depends on the
# one before it, so that the control plane hands out its ids in this order.
resource "polykomos_blueprint" "plain" {
  name        = "plain"
  sql_content = "SELECT 1;"
}
resource "polykomos_blueprint" "full" {
  name        = "full"
  sql_content = "CREATE TABLE IF NOT EXISTS seen (who text, n int); INSERT INTO seen VALUES ({{who}}, {{n}});"
  description = "Every option"
  variables = {
    who = { type = "string", default = "nobody", description = "Who was seen." }
    n   = { type = "number", required = true }
  }
  timeouts   = { create = "10m", update = "11m", delete = "12m" }
  depends_on = [polykomos_blueprint.plain]
}
resource "polykomos_database" "plain" {
  name       = "plain"
  depends_on = [polykomos_blueprint.full]
}
resource "polykomos_database" "full" {
  name                           = "full"
  db_type                        = "postgres"
  region                         = "eu-west-1"
  plan                           = "launch"
  team_id                        = 2
  storage_hard_limit_gb          = 2.5
  connection_hard_limit          = 5
  warning_threshold_pct          = 50
  blueprint_uuid                 = polykomos_blueprint.full.uuid
  blueprint_variables_wo         = { who = "write-only", n = 1 }
  blueprint_variables_wo_version = 1
  deletion_protection            = true
  timeouts                       = { create = "10m", update = "11m", delete = "12m" }
  depends_on                     = [polykomos_database.plain]
}
resource "polykomos_database" "open" {
  name                = "open"
  blueprint_uuid      = polykomos_blueprint.full.uuid
  blueprint_variables = { who = "in the open", n = 2 }
  store_credentials   = false
  depends_on          = [polykomos_database.full]
}
resource "polykomos_blueprint_application" "plain" {
  database_uuid  = polykomos_database.plain.uuid
  blueprint_uuid = polykomos_blueprint.plain.uuid
  depends_on     = [polykomos_database.open]
}
resource "polykomos_blueprint_application" "full" {
  database_uuid     = polykomos_database.plain.uuid
  blueprint_uuid    = polykomos_blueprint.full.uuid
  blueprint_version = polykomos_blueprint.full.version
  variables         = { who = "in the open", n = 3 }
  timeouts          = { create = "10m", update = "11m", delete = "12m" }
  depends_on        = [polykomos_blueprint_application.plain]
}
resource "polykomos_blueprint_application" "write_only" {
  database_uuid        = polykomos_database.plain.uuid
  blueprint_uuid       = polykomos_blueprint.full.uuid
  variables_wo         = { who = "write-only", n = 4 }
  variables_wo_version = 1
  depends_on           = [polykomos_blueprint_application.full]
}
resource "polykomos_webhook_endpoint" "plain" {
  url        = "https://hooks.example.com/plain"
  depends_on = [polykomos_blueprint_application.write_only]
}
resource "polykomos_webhook_endpoint" "full" {
  url        = "https://hooks.example.com/full"
  events     = ["database.deleted", "database.provisioned"]
  timeouts   = { create = "10m", delete = "12m" }
  depends_on = [polykomos_webhook_endpoint.plain]
}
