"""The database engines: what all of them have in common, and one folder for each."""
