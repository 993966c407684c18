"""Blueprints for MySQL: reading by its rules, dry runs on a clone, runs that track implicit commits."""
