"""Looking for secrets, by their values, in all that a suite has left behind."""

from __future__ import annotations

from pathlib import Path

# Terraform keeps sensitive values in its states and plans as they are; what can be kept out of them, and how, is in
# docs/terraform-secrets.md and has its own tests. The API key has no business there either.
_PLAIN = ".tfstate"  # and its backups


def leaks(directory: Path, key: str, secrets: set[str]) -> list[str]:
    """The files below `directory` that hold the API key `key`, or, Terraform's states left out, one of `secrets`."""
    found = []
    for path in directory.rglob("*"):
        if path.is_symlink() or not path.is_file():
            continue
        try:
            content = path.read_bytes()
        except OSError:
            continue  # gone, or a socket
        looked_for = {key} if _PLAIN in path.name else {key, *secrets}
        if any(secret and secret.encode() in content for secret in looked_for):
            found.append(str(path.relative_to(directory)))
    return found
