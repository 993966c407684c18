"""Terraform's types and values (cty): msgpack, decoded and encoded."""
