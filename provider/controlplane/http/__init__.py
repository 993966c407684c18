"""The HTTP kernel: what every operation of the API has in common."""
