locals {
  parts = provider::polykomos::parse_connection_string("postgresql://u7:p%40ss@db-7.polykomos.com:5432/orders")
}

output "host" {
  value = local.parts.host
}
