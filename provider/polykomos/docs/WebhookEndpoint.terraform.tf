resource "polykomos_webhook_endpoint" "deploys" {
  url    = "https://hooks.example.com/polykomos"
  events = ["database.provisioned", "database.deleted"]

  # Without this the old endpoint is revoked before the new one exists.
  lifecycle {
    create_before_destroy = true
  }
}

output "secret" {
  value     = polykomos_webhook_endpoint.deploys.secret
  sensitive = true
}
