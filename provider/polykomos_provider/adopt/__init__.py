"""The parts of `polykomos adopt`: pure decisions, and the request for the objects of the service."""
