"""Polnor's data platform: machines on the adjustable clock, jobs as real processes, metrics and audit in PostgreSQL."""
