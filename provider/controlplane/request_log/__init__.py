"""The request log: recent requests, their responses, and the command that repeats one. It contains no secret."""
