output "address" {
  description = "Host and port."
  value       = "${polykomos_database.this.host}:${polykomos_database.this.port}"
}

output "url" {
  description = "Connection string."
  value       = polykomos_database.this.connection_string
  sensitive   = true
}

output "applied_version" {
  description = "Version of the blueprint that is applied; null without one."
  value       = one(polykomos_blueprint_application.this[*].blueprint_version)
}
