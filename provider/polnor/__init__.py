"""Polnor's data platform for Pulumi, Terraform and OpenTofu."""
