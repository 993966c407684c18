action "polnor_sql_execute" "cleanup" {
  config {
    query        = "DELETE FROM acme.sales.sessions WHERE day < current_date - 30"
    warehouse_id = "wh_4a2b"
  }
}
