"""Convert a `Diff` to the engine's DiffResponse, with a detailed diff and the exact list of replacing properties."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from resourcekit.fields import field_specs
from resourcekit.planning.diff import Change, ChangeKind, Diff
from resourcekit.pulumi.casing import to_camel
from resourcekit.pulumi.property_path import format_path
from resourcekit.pulumi.protocol import provider_pb2 as pb
from resourcekit.resource import Resource

_KINDS = {
    (ChangeKind.ADD, False): pb.PropertyDiff.ADD,
    (ChangeKind.ADD, True): pb.PropertyDiff.ADD_REPLACE,
    (ChangeKind.UPDATE, False): pb.PropertyDiff.UPDATE,
    (ChangeKind.UPDATE, True): pb.PropertyDiff.UPDATE_REPLACE,
    (ChangeKind.DELETE, False): pb.PropertyDiff.DELETE,
    (ChangeKind.DELETE, True): pb.PropertyDiff.DELETE_REPLACE,
}


def diff_response(resource: Resource[Any, Any, Any], difference: Diff, triggers: Sequence[str] = ()) -> pb.DiffResponse:
    """Return the response.

    Args:
        resource: The declaration.
        difference: The changes of the arguments.
        triggers: State fields that require a new object although no argument changed.
    """
    changes = difference.changes
    detailed = {property_path(change): pb.PropertyDiff(kind=_KINDS[change.kind, change.replaces]) for change in changes}
    for name in triggers:
        detailed[to_camel(name)] = pb.PropertyDiff(kind=pb.PropertyDiff.UPDATE_REPLACE)
    replaces = sorted(map(to_camel, {*(change.name for change in changes if change.replaces), *triggers}))
    return pb.DiffResponse(
        changes=pb.DiffResponse.DIFF_SOME if detailed else pb.DiffResponse.DIFF_NONE,
        replaces=replaces,
        diffs=sorted({to_camel(name) for name in [*difference.changed, *triggers]}),
        stables=[]
        if replaces
        else [to_camel(name) for name, spec in field_specs(resource.state).items() if spec.stable],
        detailedDiff=detailed,
        hasDetailedDiff=True,
    )


def property_path(change: Change) -> str:
    """Return the path of a change in the engine's grammar, by property names."""
    head, *rest = change.path
    return format_path((to_camel(head), *rest))
