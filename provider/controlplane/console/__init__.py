"""The console: a read-only page at `/` that shows the state of this control plane, to this machine only."""
