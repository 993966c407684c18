"""The managed database component."""
