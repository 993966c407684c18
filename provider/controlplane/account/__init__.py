"""Users, their teams and API keys."""
