"""Pragma's resources: their lifecycle by a worker that fault rules can make fail, provider code, dead letters."""
