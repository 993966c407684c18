data "polnor_sql_execute" "orders" {
  query        = "SELECT count(*) FROM acme.sales.orders"
  warehouse_id = "wh_4a2b"
}

output "orders" {
  value = data.polnor_sql_execute.orders.rows[0][0]
}
