data "polnor_task_logs" "found" {
  run_id = "run_4812"
  key    = "ingest"
}

output "logs" {
  value = data.polnor_task_logs.found.logs
}
