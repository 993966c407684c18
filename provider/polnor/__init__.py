"""Polnor's data platform for Pulumi, Terraform and OpenTofu."""

from resourcekit.programs import Programs

programs = Programs("polnor")
