data "polnor_endpoints" "found" {}

output "items" {
  value = data.polnor_endpoints.found.items
}
