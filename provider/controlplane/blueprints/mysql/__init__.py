"""Blueprints for MySQL: read by its rules, rehearsed on a clone, run with an eye on implicit commits."""
