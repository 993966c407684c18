# `terraform test`: real databases at the API that the environment points to, taken away again at the end.

variables {
  environments = {
    test = { plan = "free", connections = 5 }
  }
}

run "the_limits_are_in_the_plan" {
  command = plan

  assert {
    condition     = polykomos_blueprint.tenants.name == "tenants"
    error_message = "The blueprint has another name."
  }
}

run "the_blueprint_is_applied" {
  assert {
    condition     = module.environment["test"].applied_version == 1
    error_message = "The blueprint's first version was not applied."
  }

  assert {
    condition     = startswith(module.environment["test"].url, "postgresql://")
    error_message = "There is no connection string."
  }
}

run "a_change_of_the_limits_keeps_the_application" {
  variables {
    environments = {
      test = { plan = "free", connections = 8 }
    }
  }

  assert {
    condition     = module.environment["test"].applied_version == 1
    error_message = "The blueprint is no longer applied."
  }
}
