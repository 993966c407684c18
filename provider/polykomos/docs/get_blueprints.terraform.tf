data "polykomos_blueprints" "all" {}

output "slugs" {
  value = data.polykomos_blueprints.all.blueprints[*].slug
}
