data "polnor_usage" "found" {
  from_date = "2026-06-01"
  to_date   = "2026-06-30"
}

output "items" {
  value = data.polnor_usage.found.items
}
