"""The whole state set aside and brought back: our tables and the tenants' databases."""
