action "polykomos_run_query" "cleanup" {
  config {
    database_uuid = polykomos_database.orders.uuid
    query         = "Delete the orders that were cancelled a year ago."
  }
}
