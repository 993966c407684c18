"""The Pulumi adapter: it serves the declarations over the protocol pulumirpc."""
