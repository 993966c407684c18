data "polnor_metric_history" "found" {
  experiment_id = "churn"
  run_id        = "run_4812"
  key           = "auc"
}

output "items" {
  value = data.polnor_metric_history.found.items
}
