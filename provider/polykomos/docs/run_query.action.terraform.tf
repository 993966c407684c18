resource "polykomos_database" "orders" {
  name = "orders"
}

# By hand: terraform apply -invoke=action.polykomos_run_query.count
action "polykomos_run_query" "count" {
  config {
    database_uuid = polykomos_database.orders.uuid
    query         = "How many orders are there?"
  }
}
