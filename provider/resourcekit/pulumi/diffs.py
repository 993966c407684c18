"""A Difference as the engine's DiffResponse: detailed, with the exact replace list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from resourcekit.declaration import fields_of
from resourcekit.planning.diff import Change, Difference, Kind
from resourcekit.pulumi.names import camel
from resourcekit.pulumi.paths import written
from resourcekit.pulumi.protocol import provider_pb2 as pb
from resourcekit.resource import Resource

_KINDS = {
    (Kind.ADD, False): pb.PropertyDiff.ADD,
    (Kind.ADD, True): pb.PropertyDiff.ADD_REPLACE,
    (Kind.UPDATE, False): pb.PropertyDiff.UPDATE,
    (Kind.UPDATE, True): pb.PropertyDiff.UPDATE_REPLACE,
    (Kind.DELETE, False): pb.PropertyDiff.DELETE,
    (Kind.DELETE, True): pb.PropertyDiff.DELETE_REPLACE,
}


def diff_response(resource: Resource[Any, Any, Any], found: Difference, drifted: Sequence[str] = ()) -> pb.DiffResponse:
    """drifted: state fields that force a new object without any argument's change."""
    detailed = {
        property_path(change): pb.PropertyDiff(kind=_KINDS[change.kind, change.replaces]) for change in found.changes
    }
    for name in drifted:
        detailed[camel(name)] = pb.PropertyDiff(kind=pb.PropertyDiff.UPDATE_REPLACE)
    replaces = sorted({camel(c.name) for c in found.changes if c.replaces} | {camel(name) for name in drifted})
    return pb.DiffResponse(
        changes=pb.DiffResponse.DIFF_SOME if detailed else pb.DiffResponse.DIFF_NONE,
        replaces=replaces,
        diffs=sorted({camel(name) for name in [*found.changed, *drifted]}),
        stables=[] if replaces else [camel(n) for n, facts in fields_of(resource.state).items() if facts.stable],
        detailedDiff=detailed,
        hasDetailedDiff=True,
    )


def property_path(change: Change) -> str:
    """The path of a change, by the engine's name of the property."""
    head, *rest = change.path
    return written((camel(head), *rest))
