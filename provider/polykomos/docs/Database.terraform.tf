resource "polykomos_database" "ledger" {
  name                  = "ledger"
  region                = "us-east-1"
  plan                  = "launch"
  connection_hard_limit = 40
  deletion_protection   = true

  timeouts = {
    create = "30m"
  }
}

output "url" {
  value     = polykomos_database.ledger.connection_string
  sensitive = true
}
