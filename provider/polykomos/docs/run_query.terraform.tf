data "polykomos_database" "orders" {
  name = "orders"
}

data "polykomos_run_query" "orders" {
  database_uuid = data.polykomos_database.orders.uuid
  query         = "How many orders are there?"
}

output "orders" {
  value = data.polykomos_run_query.orders.result
}
