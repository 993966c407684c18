data "polykomos_webhook_endpoints" "all" {}

output "active" {
  value = [for each in data.polykomos_webhook_endpoints.all.webhook_endpoints : each.url if each.status == "active"]
}
