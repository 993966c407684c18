"""The parts of `polykomos doctor`: facts from this machine and the service, and pure checks of them."""
