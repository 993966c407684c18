"""The command `polykomos adopt`."""

from __future__ import annotations

import shlex
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from polykomos_provider.adopt.engine_state import (
    ManagedObjects,
    from_stack_export,
    from_state_pull,
    of_another_account,
    unmanaged,
)
from polykomos_provider.adopt.import_files import pulumi_file, terraform_blocks
from polykomos_provider.adopt.inventory import ExistingObject, ResourceKind, kinds, list_objects
from polykomos_provider.adopt.names import pulumi_names, terraform_names
from polykomos_provider.adopt.selection import Selection, parse_ranges, select
from polykomos_provider.api import connect_from_env
from polykomos_provider.engine_cli import EngineProgram, engine
from polykomos_provider.install.pulumi_plugins import project_file
from polykomos_provider.options import DIRECTORY, PROGRAM, combine_options
from polykomos_provider.output import echo_note, one_line

# Blueprints are read one by one, within the key's rate.
_SECONDS = 900.0


class _KindName(click.ParamType):  # type: ignore[type-arg]  # generic in newer clicks alone
    """The name of a kind that can be adopted; the kinds are those of the package, which is loaded only to ask."""

    name = "kind"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        names = _listable_names()
        if value not in names:
            self.fail(f"{value!r} is none of {', '.join(names)}.", param, ctx)
        return value

    def shell_complete(self, _context: click.Context, _param: click.Parameter, incomplete: str) -> list[Any]:
        from click.shell_completion import CompletionItem

        return [CompletionItem(name) for name in _listable_names() if name.startswith(incomplete)]


def _listable_names() -> list[str]:
    from polykomos.package import package

    return [kind.name for kind in kinds(package()) if kind.listable]


_selecting = combine_options(
    click.option("--all", "everything", is_flag=True, help="Adopt everything that is not managed here yet."),
    click.option(
        "--kind", "kind_names", multiple=True, type=_KindName(), metavar="KIND",
        help="Only objects of this kind, such as database, blueprint or webhook_endpoint; repeatable.",
    ),
    click.option("--match", "matches", multiple=True, metavar="GLOB", help="Only what is called so; repeatable."),
    click.option("--id", "ids", multiple=True, metavar="ID", help="Only this object; repeatable."),
    click.option(
        "--out", type=click.Path(dir_okay=False, path_type=Path),
        help="File to write, which must not exist yet.  [default: stdout]",
    ),
    DIRECTORY,
    click.option("--with-managed", is_flag=True, help="Also what the stack or workspace holds already."),
    PROGRAM,
)  # fmt: skip


@dataclass(frozen=True)
class _Request:
    selection: Selection
    directory: Path
    out: Path | None
    with_managed: bool
    program: str | None


def _request(
    everything: bool,  # noqa: FBT001 - click passes by name
    kind_names: tuple[str, ...],
    matches: tuple[str, ...],
    ids: tuple[str, ...],
    **rest: Any,
) -> _Request:
    selection = Selection(everything, kind_names, matches, ids)
    if rest["out"] is not None and rest["out"].exists():
        raise click.UsageError(f"{rest['out']} exists already: remove it, or write to another --out.")
    if not selection.is_made and not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise click.UsageError("Say what to adopt: --all, --kind, --match or --id. (On a terminal you are asked.)")
    return _Request(selection, **rest)


@click.group()
def adopt() -> None:
    """Take over what exists at the service, in one go.

    Lists databases, blueprints and webhook endpoints and writes what an engine imports them by. Nothing is changed at
    the service, and nothing in a stack or state until you run the import.

    \b
    Examples:
      polykomos adopt pulumi --all --out import.json
      polykomos adopt terraform --kind database --match 'prod-*' --out imports.tf
    """


@adopt.command("pulumi")
@_selecting
@click.option("--stack", metavar="NAME", help="The stack whose resources are left out.  [default: the current one]")
def adopt_pulumi(stack: str | None, **options: Any) -> None:
    """Write the JSON that `pulumi import --file` takes.

    What the current stack holds already is left out. Without --all, --kind, --match or --id you are asked, on a
    terminal.

    \b
    Examples:
      polykomos adopt pulumi --all --out import.json
      polykomos adopt pulumi --kind database --kind blueprint --match 'orders*' > import.json
      pulumi import --file import.json --out adopted.yaml   # writes the program's part
    """
    request = _request(**options)
    words = ["stack", "export", *(["--stack", stack] if stack else [])]

    def managed() -> ManagedObjects | None:
        return _asked("pulumi", request, words, from_stack_export) if project_file(request.directory) else None

    chosen, there = _chosen(request, managed)
    _write(request, chosen, pulumi_file(chosen, pulumi_names(chosen, there.names)))
    if request.out is not None:
        echo_note(f"next: pulumi import --file {shlex.quote(str(request.out))} --out adopted.yaml --yes")
        echo_note(
            "adopted.yaml then has what belongs into the program; `--protect=false` leaves Pulumi's protection out"
        )


@adopt.command("terraform")
@_selecting
def adopt_terraform(**options: Any) -> None:
    """Write import blocks for `terraform plan` or `tofu plan`, which generate the configuration.

    What the state of the root module holds already is left out. Without --all, --kind, --match or --id you are asked,
    on a terminal.

    \b
    Examples:
      polykomos adopt terraform --all --out imports.tf
      terraform plan -generate-config-out=adopted.tf -out=tfplan   # or tofu
      terraform apply tfplan
    """
    request = _request(**options)

    def managed() -> ManagedObjects | None:
        is_module = any(request.directory.glob("*.tf")) or any(request.directory.glob("*.tofu"))
        return _asked("terraform", request, ["state", "pull"], from_state_pull) if is_module else None

    chosen, there = _chosen(request, managed)
    _write(request, chosen, terraform_blocks(chosen, terraform_names(chosen, there.names)))
    if request.out is not None:
        program = _program("terraform", request)
        echo_note(f"next: {program} plan -generate-config-out=adopted.tf -out=tfplan && {program} apply tfplan")
        echo_note("adopted.tf then has what belongs into the root module")


def _program(kind: str, request: _Request) -> str:
    """Return the name of the engine's program that the command uses, or would use."""
    try:
        return Path(engine(kind, request.directory, request.program).program).name
    except click.ClickException:
        return kind


def _asked(
    kind: str, request: _Request, words: Sequence[str], read: Callable[[Any], ManagedObjects]
) -> ManagedObjects | None:
    """What the engine holds; None, with a note, when it does not answer."""
    try:
        asked: EngineProgram = engine(kind, request.directory, request.program)
        return read(asked.ask(*words))
    except click.ClickException as error:
        echo_note(f"nothing is left out as managed already: {error.message}")
        return None


def _chosen(
    request: _Request, managed: Callable[[], ManagedObjects | None]
) -> tuple[list[ExistingObject], ManagedObjects]:
    """What the user wants of what exists and is not managed yet; and what is."""
    from resourcekit.errors import ResourceError

    package, ctx = connect_from_env(_SECONDS)
    all_kinds = kinds(package)
    names = request.selection.kinds or tuple(kind.name for kind in all_kinds if kind.listable)
    try:
        found = list(list_objects(package, ctx, names))
    except ResourceError as error:
        raise click.ClickException(f"{error}. Kinds that the key may not list can be left out with --kind") from None
    there = managed() or ManagedObjects()
    looked_at = [kind for kind in all_kinds if kind.name in names]
    if not request.with_managed and of_another_account(there, found, package.account(ctx.api), looked_at):
        owner = ctx.api.whose().user
        raise click.ClickException(
            f"the API key belongs to {owner.email or owner.name}, and what is managed here to another account: the key "
            "sees none of it. Set POLYKOMOS_API_KEY to a key of that account; if what is managed was deleted at the "
            "service, refresh first; if objects of both accounts are to be managed here, give --with-managed"
        )
    new = found if request.with_managed else unmanaged(found, there)
    if len(found) > len(new):
        echo_note(f"left out, as it is managed already: {_counted(each for each in found if each not in new)}")
    if not request.selection.kinds:
        _tell_unlisted(all_kinds)
    _refuse_unknown(request.selection.ids, found)
    return (select(new, request.selection) if request.selection.is_made else _asked_which(new)), there


def _refuse_unknown(ids: Iterable[str], found: Iterable[ExistingObject]) -> None:
    missing = sorted(set(ids) - {each.id for each in found})
    if missing:
        raise click.ClickException(f"the service lists nothing with the id {', '.join(missing)}")


def _asked_which(found: Sequence[ExistingObject]) -> list[ExistingObject]:
    if not found:
        return []
    for number, each in enumerate(found, 1):
        echo_note(f"{number:4}  {each.kind.name:18} {click.style(one_line(each.label), bold=True)}  {each.id}")
    while True:
        answer = click.prompt("Which? (such as 1,3-5 or all)", err=True)
        try:
            return [found[number - 1] for number in parse_ranges(answer, len(found))]
        except ValueError as error:
            echo_note(str(error))


def _write(request: _Request, chosen: Sequence[ExistingObject], text: str) -> None:
    if not chosen:
        echo_note("nothing to adopt")
        raise click.exceptions.Exit(0)
    if request.out is None:
        click.echo(text, nl=False)
    else:
        request.out.write_text(text, encoding="utf-8")
    echo_note(f"written: {_counted(chosen)}")


def _tell_unlisted(all_kinds: Iterable[ResourceKind]) -> None:
    for kind in all_kinds:
        if not kind.listable:
            echo_note(f"not looked for: {kind.token.rpartition(':')[2]}. The API cannot list these; import each by "
                 f"{kind.import_id}")  # fmt: skip


def _counted(found: Iterable[ExistingObject]) -> str:
    counts = Counter(each.kind.name for each in found)
    return ", ".join(f"{count} {name}{'' if count == 1 else 's'}" for name, count in counts.items())
