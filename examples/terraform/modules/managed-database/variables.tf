variable "name" {
  description = "Name of the database."
  type        = string
}

variable "plan" {
  description = "Plan of the database."
  type        = string
  default     = "free"
}

variable "connections" {
  description = "Most connections at once; null leaves it to the plan."
  type        = number
  default     = null
}

variable "protected" {
  description = "Whether the database refuses to be destroyed or replaced."
  type        = bool
  default     = false
}

variable "blueprint" {
  description = "Blueprint to apply; null for none."
  type = object({
    uuid    = string
    version = number
  })
  default = null
}

variable "variables" {
  description = "Values of the blueprint's variables."
  type        = any
  default     = null
}
