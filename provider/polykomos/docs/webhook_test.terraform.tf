resource "polykomos_webhook_endpoint" "deploys" {
  url = "https://hooks.example.com/polykomos"

  # Without `create_before_destroy` the old endpoint is revoked before the new one exists.
  lifecycle {
    create_before_destroy = true

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
