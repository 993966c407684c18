data "polykomos_database" "orders" {
  name = "orders"
}

output "host" {
  value = data.polykomos_database.orders.host
}
