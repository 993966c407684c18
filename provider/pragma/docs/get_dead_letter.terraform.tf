data "pragma_dead_letter" "failed" {
  provider_name = "postgres"
}

output "events" {
  value = data.pragma_dead_letter.failed.events[*].error_message
}
