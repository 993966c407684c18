resource "polykomos_webhook_endpoint" "deploys" {
  url    = "https://hooks.example.com/polykomos"
  events = ["database.provisioned", "database.deleted"]
}

output "secret" {
  value     = polykomos_webhook_endpoint.deploys.secret
  sensitive = true
}
