data "polnor_run" "found" {
  run_id = "run_4812"
}

output "status" {
  value = data.polnor_run.found.status
}
