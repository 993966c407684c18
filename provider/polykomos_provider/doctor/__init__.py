"""What `polykomos doctor` finds: facts from this machine and the service, and pure verdicts on them."""
