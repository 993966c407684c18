"""The reference control plane: the whole Polykomos API over real databases."""
