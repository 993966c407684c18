"""The plugin process, as far as it is the same for both engines: start, log, end."""
