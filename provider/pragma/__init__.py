"""Pragma: resources, provider code and dead letters of its API, independent of the engines."""
