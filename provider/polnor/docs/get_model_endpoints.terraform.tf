data "polnor_model_endpoints" "found" {
  model_id = "churn-v3"
}

output "items" {
  value = data.polnor_model_endpoints.found.items
}
