"""An address that hears of events."""
