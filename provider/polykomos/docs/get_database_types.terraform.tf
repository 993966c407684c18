data "polykomos_database_types" "all" {}

output "regions" {
  value = { for type in data.polykomos_database_types.all.database_types : type.value => type.regions[*].code }
}
