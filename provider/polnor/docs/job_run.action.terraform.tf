resource "polnor_job" "daily" {
  name  = "daily-pipeline"
  tasks = [{ key = "ingest", command = "python ingest.py" }]

  lifecycle {
    action_trigger {
      events  = [after_create, after_update]
      actions = [action.polnor_job_run.daily]
    }
  }
}

action "polnor_job_run" "daily" {
  config {
    job_id          = polnor_job.daily.id
    timeout_seconds = 1800
  }
}
