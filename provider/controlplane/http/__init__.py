"""The HTTP layer that all operations of the API share."""
