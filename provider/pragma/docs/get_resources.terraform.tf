data "pragma_resources" "databases" {
  provider_name = "postgres"
  tags          = ["production"]
}

output "databases" {
  value = data.pragma_resources.databases.resources[*].name
}
