"""A typed client of the Polykomos API."""
