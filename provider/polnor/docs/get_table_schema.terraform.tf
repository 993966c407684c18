data "polnor_table_schema" "found" {
  database_id = "acme"
  schema_name = "sales"
  table       = "orders"
}

output "columns" {
  value = data.polnor_table_schema.found.columns
}
