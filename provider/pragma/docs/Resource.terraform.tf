resource "pragma_resource" "database" {
  provider_name   = "postgres"
  resource_type   = "database"
  name            = "my-db"
  config          = { version = "16" }
  tags            = ["production"]
  lifecycle_state = "pending"
}
