data "polykomos_database" "orders" {
  name = "orders"
}

data "polykomos_run_query" "late" {
  database_uuid = data.polykomos_database.orders.uuid
  query         = "How many orders are older than a week?"
}

output "late" {
  value = data.polykomos_run_query.late.result
}
