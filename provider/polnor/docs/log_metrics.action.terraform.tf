action "polnor_log_metrics" "auc" {
  config {
    experiment_id = "churn"
    run_id        = "run_4812"
    metrics       = [{ key = "auc", value = 0.934, step = 4200 }]
  }
}
