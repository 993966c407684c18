data "polytomic_query" "orders" {
  connection_id = "248df4b7-aa70-47b8-a036-33ac447e668d"
  query         = "SELECT status, count(*) AS orders FROM orders GROUP BY status ORDER BY status"
}

output "orders" {
  value = { for row in data.polytomic_query.orders.results : row.status => row.orders }
}
