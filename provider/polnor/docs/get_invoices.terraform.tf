data "polnor_invoices" "found" {}

output "items" {
  value = data.polnor_invoices.found.items
}
