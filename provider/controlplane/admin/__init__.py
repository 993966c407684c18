"""The admin API under /_polykomos: time, faults and state on demand, for tests. Not part of the API."""
