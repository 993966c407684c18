"""Injected faults, so that clients can be tested against them."""
