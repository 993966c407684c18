"""Databases: catalog, creation, quotas, deletion, and the workers that provision and destroy them."""
