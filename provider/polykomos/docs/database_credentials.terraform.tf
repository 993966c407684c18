resource "polykomos_database" "vault" {
  name              = "vault"
  store_credentials = false
}

# Read when it is needed, and in no plan and no state.
ephemeral "polykomos_database_credentials" "vault" {
  uuid = polykomos_database.vault.uuid
}

resource "polykomos_blueprint" "config" {
  name        = "config"
  sql_content = "CREATE TABLE config AS SELECT {{upstream}} AS upstream;"
  variables   = { upstream = {} }
}

resource "polykomos_blueprint_application" "config" {
  database_uuid        = polykomos_database.vault.uuid
  blueprint_uuid       = polykomos_blueprint.config.uuid
  blueprint_version    = polykomos_blueprint.config.version
  variables_wo         = { upstream = ephemeral.polykomos_database_credentials.vault.connection_string }
  variables_wo_version = 1
}
