"""A Difference as the engine's DiffResponse: detailed, with the exact replace list."""

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


def diff_response(resource: Resource[Any, Any, Any], found: Diff, drifted: Sequence[str] = ()) -> pb.DiffResponse:
    """drifted: state fields that force a new object without any argument's change."""
    detailed = {
        property_path(change): pb.PropertyDiff(kind=_KINDS[change.kind, change.replaces]) for change in found.changes
    }
    for name in drifted:
        detailed[to_camel(name)] = pb.PropertyDiff(kind=pb.PropertyDiff.UPDATE_REPLACE)
    replaces = sorted({to_camel(c.name) for c in found.changes if c.replaces} | {to_camel(name) for name in drifted})
    return pb.DiffResponse(
        changes=pb.DiffResponse.DIFF_SOME if detailed else pb.DiffResponse.DIFF_NONE,
        replaces=replaces,
        diffs=sorted({to_camel(name) for name in [*found.changed, *drifted]}),
        stables=[] if replaces else [to_camel(n) for n, facts in field_specs(resource.state).items() if facts.stable],
        detailedDiff=detailed,
        hasDetailedDiff=True,
    )


def property_path(change: Change) -> str:
    """The path of a change, by the engine's name of the property."""
    head, *rest = change.path
    return format_path((to_camel(head), *rest))
