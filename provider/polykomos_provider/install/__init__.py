"""What puts the plugins where the engines look for them."""
