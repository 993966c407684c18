terraform {
  required_version = ">= 1.8"
  required_providers {
    polykomos = {
      source  = "polykomos/polykomos"
      version = "~> 0.1"
    }
  }
}

# Key and address come from POLYKOMOS_API_KEY and POLYKOMOS_BASE_URL.
provider "polykomos" {}
