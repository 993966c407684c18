"""Random programs and their edits, for every engine alike: drawn by Hypothesis from the declared arguments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

_SQL: Final = "CREATE TABLE IF NOT EXISTS log (who text); INSERT INTO log VALUES ({{who}});"
_WHO: Final = {"who": {"default": "nobody"}}


@dataclass(frozen=True)
class Ref:
    """An output of another resource. index: which one, where that resource has a count."""

    resource: str
    output: str
    index: int | None = None


@dataclass(frozen=True)
class Declaration:
    """One resource of a program.

    Attributes:
        count: How many there are; None: one, without an index.
        creates_first: Whether a replacement creates the new object before it deletes the old one.
        ignored: Arguments whose changes the engine ignores.
        after: Resources that it depends on beside those that it refers to.
    """

    kind: str
    name: str
    arguments: Mapping[str, Any]
    count: int | None = None
    creates_first: bool = False
    ignored: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


Program = tuple[Declaration, ...]
Story = list[Program]
"""A program, and one or two edits of it."""

# The values of each argument; None: it is left out, {}: the resource's name. What no story has is in LEFT_OUT.
VALUES: Final[Mapping[str, Mapping[str, tuple[Any, ...]]]] = {
    "Database": {
        "name": ("{}", "{}-b"),
        "db_type": (None, "postgres"),
        "region": (None, "us-east-1", "eu-west-1"),
        "plan": (None, "free", "launch"),
        "storage_hard_limit_gb": (None, 2.5, 3),
        "connection_hard_limit": (None, 5, 6),
        "warning_threshold_pct": (None, 50, 60),
        "store_credentials": (None, True, False),
        "deletion_protection": (None, False),
    },
    "Blueprint": {
        "name": ("{}", "{}-b"),
        "sql_content": (_SQL, _SQL + " SELECT 1;"),
        "description": (None, "first", "second"),
        "variables": (_WHO, {**_WHO, "more": {"type": "number", "default": 1}}),
    },
    "BlueprintApplication": {
        "blueprint_version": (None, "version"),
        "variables": (None, {"who": "me"}, {"who": "you"}),
    },
    "WebhookEndpoint": {
        "url": ("https://hooks.example.com/{}", "https://hooks.example.com/{}/b"),
        "events": (None, ["database.deleted"], ["database.provisioned", "database.deleted"]),
    },
}
LEFT_OUT: Final[Mapping[str, Mapping[str, str]]] = {
    "Database": {
        "team_id": "The number is each service's own.",
        "blueprint_uuid": "A story chooses it once: a change is rejected.",
        "blueprint_variables": "They belong to `blueprint_uuid`.",
    },
    "BlueprintApplication": {
        "database_uuid": "A reference to one of the story's databases.",
        "blueprint_uuid": "A reference to one of the story's blueprints.",
    },
}
# Of what there is at most how many, and of which there may be several by a count.
_MOST: Final = {"Database": 2, "Blueprint": 2, "BlueprintApplication": 2, "WebhookEndpoint": 1}
# Terraform passes the state's value of what it ignores as if it were configured: a removal resets these later.
_LIMITS: Final = ("storage_hard_limit_gb", "connection_hard_limit", "warning_threshold_pct")
_LABELS: Final = {"Database": "db", "Blueprint": "bp", "BlueprintApplication": "run", "WebhookEndpoint": "hook"}
_COUNTED: Final = ("Database", "WebhookEndpoint")


def story(number: int) -> Story:
    """Return the story of a number, always the same. All its names begin with `prefix(number)`."""
    drawn: list[Story] = []

    # The first example is the smallest that there is, whatever the seed.
    @seed(number)
    @settings(max_examples=2, phases=[Phase.generate], database=None, suppress_health_check=list(HealthCheck))
    @given(_stories(prefix(number)))
    def draw(found: Story) -> None:
        drawn.append(found)

    draw()
    return [_alike(program) for program in drawn[-1]]


def _alike(program: Program) -> Program:
    """Return the program with the order of replacements of its first resource for all.

    Terraform orders whatever a `create_before_destroy` resource depends on like it. When such a dependent is removed,
    it fails with "Cycle".
    """
    return tuple(replace(each, creates_first=program[0].creates_first) for each in program)


def prefix(number: int) -> str:
    """Return what the names of a story begin with."""
    return f"s{number}-"


def together(stories: Iterable[Story]) -> Story:
    """Return one story that has all of them. Those that are shorter stay as they are in the end."""
    most = max(map(len, stories := list(stories)))
    return [tuple(each for found in stories for each in found[min(step, len(found) - 1)]) for step in range(most)]


@st.composite
def _stories(draw: st.DrawFn, start: str) -> Story:
    found = [draw(_programs(start))]
    for _ in range(draw(st.integers(1, 2))):
        found.append(tuple(draw(_edits(each)) for each in _some(draw, found[-1])))
    return found


@st.composite
def _programs(draw: st.DrawFn, start: str) -> Program:
    made: list[Declaration] = []
    for kind, most in _MOST.items():
        least = 1 if kind in ("Database", "Blueprint") else 0
        for number in range(draw(st.integers(least, most))):
            made.append(draw(_declarations(kind, f"{start}{_LABELS[kind]}{number}", tuple(made))))
    return tuple(made)


@st.composite
def _declarations(draw: st.DrawFn, kind: str, name: str, others: Program) -> Declaration:
    found = Declaration(
        kind,
        name,
        {argument: _value(draw, values, name) for argument, values in VALUES[kind].items()},
        count=draw(st.sampled_from((None, None, 1, 2))) if kind in _COUNTED else None,
        creates_first=draw(st.booleans()),
    )
    if kind == "BlueprintApplication":
        references = {
            "database_uuid": _reference(draw, "Database", "uuid", others),
            "blueprint_uuid": _reference(draw, "Blueprint", "uuid", others),
        }
        # Two at once in one database would conflict, as any two that create the same table.
        same = [each for each in others if each.arguments.get("database_uuid") == references["database_uuid"]]
        after = tuple(each.name for each in same)
        found = replace(found, arguments={**references, **found.arguments}, after=after)
    elif others:
        found = replace(found, after=draw(st.sampled_from([(), (others[-1].name,)])))
    return _sound(found)


@st.composite
def _edits(draw: st.DrawFn, declared: Declaration) -> Declaration:
    """Other values of some arguments, another count, other options."""
    values = VALUES[declared.kind]
    changed = draw(st.lists(st.sampled_from(sorted(values)), unique=True, max_size=3))
    arguments = {**declared.arguments, **{each: _value(draw, values[each], declared.name) for each in changed}}
    drawn = draw(st.lists(st.sampled_from(sorted(values)), unique=True, max_size=1))
    ignored = tuple(name for name in drawn if name not in _LIMITS or declared.arguments[name] is not None)
    count = draw(st.sampled_from((1, 2))) if declared.count else None
    return _sound(replace(declared, arguments=arguments, ignored=ignored, count=count))


def _some(draw: st.DrawFn, program: Program) -> Program:
    """The program without some of the resources that no other one needs."""
    loose = [each.name for each in program if each.kind in ("BlueprintApplication", "WebhookEndpoint")]
    gone = draw(st.lists(st.sampled_from(loose), max_size=1)) if loose else []
    kept = [each for each in program if each.name not in gone]
    return tuple(replace(each, after=tuple(name for name in each.after if name not in gone)) for each in kept)


def _value(draw: st.DrawFn, values: tuple[Any, ...], name: str) -> Any:
    value = draw(st.sampled_from(values))
    return value.format(name) if isinstance(value, str) and "{}" in value else value


def _reference(draw: st.DrawFn, kind: str, output: str, others: Program) -> Ref:
    other = draw(st.sampled_from([each for each in others if each.kind == kind]))
    return Ref(other.name, output, None if other.count is None else 0)


def _sound(declared: Declaration) -> Declaration:
    """With a reference in place of the word `version`, and with the names of a count's objects."""
    arguments = dict(declared.arguments)
    if arguments.get("blueprint_version") == "version":
        arguments["blueprint_version"] = Ref(arguments["blueprint_uuid"].resource, "version")
    return replace(declared, arguments=arguments)
