resource "polnor_job" "daily" {
  name = "daily-pipeline"
  tasks = [
    { key = "ingest", command = "python ingest.py" },
    { key = "transform", command = "python tx.py", depends_on = ["ingest"], max_retries = 2, timeout_seconds = 1800 },
  ]
}
