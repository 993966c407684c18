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

# Blueprints are read one by one, within the key's rate limit.
_SECONDS = 900.0


class _KindName(click.ParamType):  # type: ignore[type-arg]  # generic in newer versions of click only
    """The name of a kind that can be adopted. The package, which has the kinds, is loaded only when it is needed."""

    name = "kind"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the name, or fail with the valid names."""
        names = _listable_names()
        if value not in names:
            self.fail(f"{value!r} is none of {', '.join(names)}.", param, ctx)
        return value

    def shell_complete(self, _context: click.Context, _param: click.Parameter, incomplete: str) -> list[Any]:
        """Return the names that begin with the typed text."""
        from click.shell_completion import CompletionItem

        return [CompletionItem(name) for name in _listable_names() if name.startswith(incomplete)]


def _listable_names() -> list[str]:
    from polykomos.package import package

    return [kind.name for kind in kinds(package()) if kind.supports_list]


_selecting = combine_options(
    click.option("--all", "everything", is_flag=True, help="Adopt everything that is not managed here yet."),
    click.option(
        "--kind", "kind_names", multiple=True, type=_KindName(), metavar="KIND",
        help="Only objects of this kind, such as database, blueprint or webhook_endpoint; repeatable.",
    ),
    click.option("--match", "matches", multiple=True, metavar="GLOB", help="Only objects with this name; repeatable."),
    click.option("--id", "ids", multiple=True, metavar="ID", help="Only this object; repeatable."),
    click.option(
        "--out", type=click.Path(dir_okay=False, path_type=Path),
        help="File to write, which must not exist yet.  [default: stdout]",
    ),
    DIRECTORY,
    click.option("--with-managed", is_flag=True, help="Include objects that the stack or workspace manages already."),
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
        raise click.UsageError(
            "Nothing is selected, and there is no terminal for a prompt: use --all, --kind, --match or --id."
        )
    return _Request(selection, **rest)


@click.group()
def adopt() -> None:
    """Adopt existing objects of the service.

    Lists databases, blueprints and webhook endpoints, and writes a file from which an engine imports them. Neither the
    service nor a stack or state changes until you run the import.

    \b
    Examples:
      polykomos adopt pulumi --all --out import.json
      polykomos adopt terraform --kind database --match 'prod-*' --out imports.tf
    """


@adopt.command("pulumi")
@_selecting
@click.option("--stack", metavar="NAME", help="The stack whose resources are omitted.  [default: the current one]")
def adopt_pulumi(stack: str | None, **options: Any) -> None:
    """Write the JSON that `pulumi import --file` takes.

    Objects that the current stack manages already are omitted. Without --all, --kind, --match or --id, the command
    prompts for a selection on a terminal.

    \b
    Examples:
      polykomos adopt pulumi --all --out import.json
      polykomos adopt pulumi --kind database --kind blueprint --match 'orders*' > import.json
      pulumi import --file import.json --out adopted.yaml   # generates the code
    """
    request = _request(**options)
    words = ["stack", "export", *(["--stack", stack] if stack else [])]

    def read_managed() -> ManagedObjects | None:
        return _read_managed("pulumi", request, words, from_stack_export) if project_file(request.directory) else None

    selected, managed = _selected(request, read_managed)
    _write(request, selected, pulumi_file(selected, pulumi_names(selected, managed.names)))
    if request.out is not None:
        echo_note(f"next: pulumi import --file {shlex.quote(str(request.out))} --out adopted.yaml --yes")
        echo_note("adopted.yaml then has the code for the program; `--protect=false` omits Pulumi's protection")


@adopt.command("terraform")
@_selecting
def adopt_terraform(**options: Any) -> None:
    """Write import blocks for `terraform plan` or `tofu plan`, which generate the configuration.

    Objects in the state of the root module are omitted. Without --all, --kind, --match or --id, the command prompts for
    a selection on a terminal.

    \b
    Examples:
      polykomos adopt terraform --all --out imports.tf
      terraform plan -generate-config-out=adopted.tf -out=tfplan   # or tofu
      terraform apply tfplan
    """
    request = _request(**options)

    def read_managed() -> ManagedObjects | None:
        is_module = any(request.directory.glob("*.tf")) or any(request.directory.glob("*.tofu"))
        return _read_managed("terraform", request, ["state", "pull"], from_state_pull) if is_module else None

    selected, managed = _selected(request, read_managed)
    _write(request, selected, terraform_blocks(selected, terraform_names(selected, managed.names)))
    if request.out is not None:
        program = _program("terraform", request)
        echo_note(f"next: {program} plan -generate-config-out=adopted.tf -out=tfplan && {program} apply tfplan")
        echo_note("adopted.tf then has the configuration for the root module")


def _program(kind: str, request: _Request) -> str:
    """Return the name of the engine's program that the command uses, or would use."""
    try:
        return Path(engine(kind, request.directory, request.program).program).name
    except click.ClickException:
        return kind


def _read_managed(
    kind: str, request: _Request, words: Sequence[str], parse: Callable[[Any], ManagedObjects]
) -> ManagedObjects | None:
    """Return the objects that the engine manages; None, with a note, if it fails."""
    try:
        program: EngineProgram = engine(kind, request.directory, request.program)
        return parse(program.run_json(*words))
    except click.ClickException as error:
        echo_note(f"objects that are managed already are not omitted, as the engine failed: {error.message}")
        return None


def _selected(
    request: _Request, read_managed: Callable[[], ManagedObjects | None]
) -> tuple[list[ExistingObject], ManagedObjects]:
    """Return the unmanaged objects that the user selects, and the managed ones."""
    from resourcekit.errors import ResourceError

    package, ctx = connect_from_env(_SECONDS)
    all_kinds = kinds(package)
    names = request.selection.kinds or tuple(kind.name for kind in all_kinds if kind.supports_list)
    try:
        existing = list(list_objects(package, ctx, names))
    except ResourceError as error:
        raise click.ClickException(f"{error}. To omit kinds that the key may not list, use --kind") from None
    managed = read_managed() or ManagedObjects()
    listed_kinds = [kind for kind in all_kinds if kind.name in names]
    if not request.with_managed and of_another_account(managed, existing, package.account(ctx.api), listed_kinds):
        owner = ctx.api.whose().user
        raise click.ClickException(
            f"the API key belongs to {owner.email or owner.name}, and the objects managed here to another account: the "
            "key can list none of them. Set POLYKOMOS_API_KEY to a key of that account; if the managed objects were "
            "deleted at the service, refresh first; to manage objects of both accounts here, use --with-managed"
        )
    candidates = existing if request.with_managed else unmanaged(existing, managed)
    if len(existing) > len(candidates):
        echo_note(f"omitted, as managed already: {_counted(each for each in existing if each not in candidates)}")
    if not request.selection.kinds:
        _report_unlisted(all_kinds)
    _check_ids(request.selection.ids, existing)
    selected = select(candidates, request.selection) if request.selection.is_made else _prompt(candidates)
    return selected, managed


def _check_ids(ids: Iterable[str], existing: Iterable[ExistingObject]) -> None:
    missing = sorted(set(ids) - {each.id for each in existing})
    if missing:
        raise click.ClickException(f"the service lists nothing with the id {', '.join(missing)}")


def _prompt(candidates: Sequence[ExistingObject]) -> list[ExistingObject]:
    if not candidates:
        return []
    for number, each in enumerate(candidates, 1):
        echo_note(f"{number:4}  {each.kind.name:18} {click.style(one_line(each.label), bold=True)}  {each.id}")
    while True:
        answer = click.prompt("Which? (such as 1,3-5 or all)", err=True)
        try:
            return [candidates[number - 1] for number in parse_ranges(answer, len(candidates))]
        except ValueError as error:
            echo_note(str(error))


def _write(request: _Request, selected: Sequence[ExistingObject], text: str) -> None:
    if not selected:
        echo_note("nothing to adopt")
        raise click.exceptions.Exit(0)
    if request.out is None:
        click.echo(text, nl=False)
    else:
        request.out.write_text(text, encoding="utf-8")
    echo_note(f"written: {_counted(selected)}")


def _report_unlisted(all_kinds: Iterable[ResourceKind]) -> None:
    for kind in all_kinds:
        if not kind.supports_list:
            echo_note(f"not listed: {kind.token.rpartition(':')[2]}. The API cannot list these; import each by "
                 f"{kind.import_id}")  # fmt: skip


def _counted(objects: Iterable[ExistingObject]) -> str:
    counts = Counter(each.kind.name for each in objects)
    return ", ".join(f"{count} {name}{'' if count == 1 else 's'}" for name, count in counts.items())
