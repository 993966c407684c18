"""Write a vendor's folder from an OpenAPI 3 document: `resourcekit new NAME --openapi FILE`."""
