"""What the workspace's state holds, asked of the engine."""

from __future__ import annotations

from resourcekit import engine_program


def objects() -> frozenset[tuple[str, str]] | None:
    """Type and id of every managed object in the state as it stands, deposed ones included; None = cannot be told."""
    pulled = engine_program.ask(("terraform", "tofu"), "state", "pull")
    if not isinstance(pulled, dict):
        return None
    return frozenset(
        (str(resource.get("type")), str((instance.get("attributes") or {}).get("id")))
        for resource in pulled.get("resources") or []
        if resource.get("mode") == "managed"
        for instance in resource.get("instances") or []
    )
