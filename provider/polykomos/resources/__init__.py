"""The four Polykomos resources."""
