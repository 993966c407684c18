terraform {
  required_version = ">= 1.8"
  required_providers {
    polykomos = {
      source = "polykomos/polykomos"
    }
  }
}

# Key and address come from POLYKOMOS_API_KEY and POLYKOMOS_BASE_URL.
provider "polykomos" {}
