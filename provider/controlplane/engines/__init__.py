"""The database engines: their common interface, and one folder for each."""
