"""The console: a page at `/` that shows what this control plane holds and does. Read-only, for this machine only."""
