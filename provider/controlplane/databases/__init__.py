"""Databases: catalog, create, quotas, delete, and the workers that provision and destroy databases."""
