"""The client's share of the API's rate limit."""
