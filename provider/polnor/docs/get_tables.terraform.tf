data "polnor_tables" "found" {
  database_id = "sales"
}

output "items" {
  value = data.polnor_tables.found.items
}
