resource "polykomos_database" "orders" {
  name = "orders"
}

# By hand: terraform apply -invoke=action.polykomos_run_query.late
action "polykomos_run_query" "late" {
  config {
    database_uuid = polykomos_database.orders.uuid
    query         = "How many orders are older than a week?"
  }
}
