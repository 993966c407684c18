"""Webhooks: endpoints, the outbox of events, and the workers that deliver them signed."""
