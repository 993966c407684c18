output "hosts" {
  description = "Host and port of each environment's database."
  value       = { for name, environment in module.environment : name => environment.address }
}

output "urls" {
  description = "Connection string of each environment's database."
  value       = { for name, environment in module.environment : name => environment.url }
  sensitive   = true
}

output "hook_secret" {
  description = "What deliveries are signed with."
  value       = polykomos_webhook_endpoint.deploys.secret
  sensitive   = true
}
