"""The application of a blueprint to a database."""
