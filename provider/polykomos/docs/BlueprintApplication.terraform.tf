resource "polykomos_blueprint" "tenants" {
  name        = "tenants"
  sql_content = "CREATE TABLE tenants AS SELECT {{tenant}} AS name;"
  variables   = { tenant = { required = true } }
}

resource "polykomos_database" "app" {
  name = "app"
}

# A new version of the blueprint, or another tenant, is a new application: the plan shows it, dry-run.
resource "polykomos_blueprint_application" "tenants" {
  database_uuid     = polykomos_database.app.uuid
  blueprint_uuid    = polykomos_blueprint.tenants.uuid
  blueprint_version = polykomos_blueprint.tenants.version
  variables         = { tenant = "acme" }
}
