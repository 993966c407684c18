"""A managed database."""
