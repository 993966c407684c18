action "polytomic_query" "cleanup" {
  config {
    connection_id = "248df4b7-aa70-47b8-a036-33ac447e668d"
    query         = "DELETE FROM sessions WHERE expires_at < now()"
  }
}
