"""A package's declarations as a Terraform and OpenTofu provider: plugin protocol 6."""
