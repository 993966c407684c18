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
    # From Terraform 1.16 on, `caller.id`: with the resource's name it prints a warning.
    endpoint_id = polykomos_webhook_endpoint.deploys.id
  }
}
