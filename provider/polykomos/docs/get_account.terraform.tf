data "polykomos_account" "me" {}

output "scopes" {
  value = data.polykomos_account.me.permissions
}
