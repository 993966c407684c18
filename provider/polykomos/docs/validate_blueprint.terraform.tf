data "polykomos_validate_blueprint" "migration" {
  sql_content = "ALTER TABLE tenants ADD COLUMN seats int;"
}

check "migration" {
  assert {
    condition     = data.polykomos_validate_blueprint.migration.valid
    error_message = join("; ", data.polykomos_validate_blueprint.migration.errors)
  }
}
