resource "polykomos_webhook_endpoint" "deploys" {
  url = "https://hooks.example.com/polykomos"

  lifecycle {
    action_trigger {
      events  = [after_create]
      actions = [action.polykomos_webhook_test.deploys]
    }
  }
}

action "polykomos_webhook_test" "deploys" {
  config {
    endpoint_id = polykomos_webhook_endpoint.deploys.id
  }
}
