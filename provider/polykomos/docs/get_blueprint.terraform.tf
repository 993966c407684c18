resource "polykomos_blueprint" "audit" {
  name        = "audit"
  sql_content = "CREATE TABLE audit (at timestamptz, what text);"
}

data "polykomos_blueprint" "audit" {
  slug = polykomos_blueprint.audit.slug
}

output "sql" {
  value = data.polykomos_blueprint.audit.sql_content
}
