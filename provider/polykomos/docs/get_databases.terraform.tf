data "polykomos_databases" "all" {}

output "names" {
  value = data.polykomos_databases.all.databases[*].name
}
