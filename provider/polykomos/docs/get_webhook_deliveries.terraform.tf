data "polykomos_webhook_deliveries" "recent" {
  endpoint_id = 7
}

output "failures" {
  value = [for each in data.polykomos_webhook_deliveries.recent.deliveries : each if each.status == "failed"]
}
