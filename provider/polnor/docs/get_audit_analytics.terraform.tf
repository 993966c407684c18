data "polnor_audit_analytics" "found" {
  from_date = "2026-06-01"
  to_date   = "2026-06-12"
  group_by  = ["day", "action"]
}

output "items" {
  value = data.polnor_audit_analytics.found.items
}
