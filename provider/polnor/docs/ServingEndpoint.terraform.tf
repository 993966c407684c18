resource "polnor_serving_endpoint" "churn" {
  name    = "churn-prod"
  model   = "churn-v3"
  version = 7
}
