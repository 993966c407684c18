data "polnor_databases" "found" {}

output "items" {
  value = data.polnor_databases.found.items
}
