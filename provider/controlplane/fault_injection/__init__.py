"""Going wrong on purpose, so that clients can be tested against it."""
