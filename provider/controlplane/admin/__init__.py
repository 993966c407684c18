"""The admin API under /_polykomos: time, faults and state on request, for tests. It is not part of the API."""
