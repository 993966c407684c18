data "polnor_warehouses" "found" {}

output "items" {
  value = data.polnor_warehouses.found.items
}
