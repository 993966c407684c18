"""Taking over what exists: pure decisions, and the one look at the service."""
