data "polnor_upload_url" "found" {
  experiment_id = "churn"
  run_id        = "run_4812"
  path          = "model.bin"
}

output "expires_at" {
  value = data.polnor_upload_url.found.expires_at
}
