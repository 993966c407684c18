"""The RPCs of the provider service: one file per family, and a method per RPC under its name."""
