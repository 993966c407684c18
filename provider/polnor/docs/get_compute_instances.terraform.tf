data "polnor_compute_instances" "found" {}

output "items" {
  value = data.polnor_compute_instances.found.items
}
