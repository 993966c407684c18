variable "environments" {
  description = "The databases to have, by environment."
  type = map(object({
    plan        = string
    connections = number
  }))
  default = {
    staging    = { plan = "free", connections = 10 }
    production = { plan = "launch", connections = 40 }
  }
}

variable "adopted" {
  description = "UUIDs of databases that exist already and are to be managed from now on, by name."
  type        = map(string)
  default     = {}
}

variable "hook_url" {
  description = "Where database events are sent."
  type        = string
  default     = "https://hooks.example.com/polykomos"
}
