"""The command `polykomos dev`. Its options have the names of the fields of `controlplane.settings.Settings`."""

from __future__ import annotations

import importlib.util
import re
import shlex
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click
from click.core import ParameterSource

from polykomos_provider.options import PathToWrite
from polykomos_provider.output import echo_note

if TYPE_CHECKING:
    from controlplane.process_record import Running

_NONE = (
    "No control plane is running in the background. Start one with `polykomos dev --detach`; name one that runs in a "
    "terminal with --port or --data-dir."
)
_KEY = re.compile(r"[\x21-\x7e]{8,255}")


def _checked_key(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    if value is not None and not _KEY.fullmatch(value):
        raise click.BadParameter("must be 8 to 255 printable characters without spaces")
    return value


def _checked_url(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    if not value:
        return None
    try:
        parts = urlsplit(value)
        _ = parts.port  # raises ValueError for an invalid port
    except ValueError:
        raise click.BadParameter("must be an http or https URL with a host and a port of 0 to 65535") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise click.BadParameter("must be an http or https URL")
    if parts.username or parts.password:
        raise click.BadParameter("must not contain a key: set POLYKOMOS_TRANSLATOR_KEY instead")
    return value


@click.command(context_settings={"auto_envvar_prefix": "POLYKOMOS_DEV"})
@click.option("--detach", is_flag=True, allow_from_autoenv=False, help="Run in the background; return when ready.")
@click.option(
    "--stop",
    is_flag=True,
    allow_from_autoenv=False,
    help="Stop the one that --detach started; --port or --data-dir names another one.",
)
@click.option(
    "--env",
    "show_env",
    is_flag=True,
    allow_from_autoenv=False,
    help="Print the export lines of the one that --detach started; --port or --data-dir names another one.",
)
@click.option("--detached", is_flag=True, hidden=True, allow_from_autoenv=False)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="Port to listen on; 0 = a free one."
)
@click.option(
    "--data-dir",
    type=PathToWrite(file_okay=False, path_type=Path),
    help="Directory for all data.  [default: polykomos/dev in the XDG state directory]",
)
@click.option("--ephemeral", is_flag=True, help="Use a temporary data directory, which is removed at the end.")
@click.option("--database-url", help="Superuser URL of a PostgreSQL >= 15 to use instead of an embedded one.")
@click.option("--api-key", callback=_checked_key, help="The key with every scope.  [default: the stored or a new one]")
@click.option(
    "--rate-limit",
    default=120,
    show_default=True,
    type=click.IntRange(min=0),
    help="Requests a minute of that key; 0 = no limit.",
)
@click.option(
    "--pool-size",
    default=2,
    show_default=True,
    type=click.IntRange(0, 50),
    help="Number of databases to create in advance, for instant assignment.",
)
@click.option(
    "--provision-delay",
    default=0.0,
    show_default=True,
    type=click.FloatRange(min=0),
    help="Seconds added to each provisioning that the pool does not serve.",
)
@click.option(
    "--admin/--no-admin",
    "has_admin",
    default=True,
    envvar="POLYKOMOS_DEV_ADMIN",
    help="Serve /_polykomos: clock, faults and state on demand.  [default: admin]",
)
@click.option(
    "--strict",
    is_flag=True,
    help="Reject unknown fields, and requests that only one of the service's two published documents allows.",
)
@click.option("--loopback-webhooks/--no-loopback-webhooks", default=True, help="Send webhooks to this machine too.")
@click.option(
    "--seed",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="JSON file of more users and keys, of plans, and of answers to queries.",
)
@click.option(
    "--console/--no-console", default=True, help="Serve the console page at / to this machine.  [default: console]"
)
@click.option(
    "--free-queries",
    default=10,
    show_default=True,
    type=click.IntRange(min=0),
    help="Queries a day of a team on plan free; 0 = no limit.",
)
@click.option(
    "--translator-url",
    envvar="POLYKOMOS_TRANSLATOR_URL",
    callback=_checked_url,
    help="OpenAI-compatible API (…/v1) that translates queries; its key: POLYKOMOS_TRANSLATOR_KEY."
    "  [default: built-in patterns]",
)
@click.option(
    "--translator-model",
    envvar="POLYKOMOS_TRANSLATOR_MODEL",
    default="gpt-4o-mini",
    show_default=True,
    help="The model in the requests to it.",
)
@click.option(
    "--vendor",
    "vendors",
    multiple=True,
    type=click.Choice(["polnor", "polytomic", "pragma", "all"]),
    help="Serve the API of another vendor too, over the same databases; repeatable.",
)
@click.pass_context
def dev(
    context: click.Context,
    /,
    data_dir: Path | None,
    ephemeral: bool,  # noqa: FBT001 - click passes by name
    detach: bool,  # noqa: FBT001
    stop: bool,  # noqa: FBT001
    show_env: bool,  # noqa: FBT001
    **options: Any,
) -> None:
    """Run the reference control plane on this machine.

    When it is ready, stdout shows `export` lines with the settings for clients and for the admin API. Logs go to
    stderr. With --detach it runs in the background and logs to the file `dev.log` in its data directory.

    Each option can be set in the environment too: --data-dir as POLYKOMOS_DEV_DATA_DIR. Use the environment for
    --api-key and --database-url if other users can see the command lines of this machine.

    \b
    Examples:
      polykomos dev                                # databases survive a restart
      eval "$(polykomos dev --detach)"             # in the background; exports the settings when it is ready
      eval "$(polykomos dev --env)"                # the same settings in another shell
      polykomos dev --stop                         # stop it
      polykomos dev --ephemeral --port 0           # for a test: a free port, no data afterwards
      polykomos dev --rate-limit 0 --pool-size 8   # as fast as possible
    """
    if ephemeral and data_dir is not None:
        # The command line takes precedence over the environment.
        given = [name for name in ("ephemeral", "data_dir") if _is_given(context, name, on=ParameterSource.COMMANDLINE)]
        if len(given) != 1:
            raise click.UsageError("--ephemeral and --data-dir exclude each other.")
        ephemeral, data_dir = given == ["ephemeral"], data_dir if given == ["data_dir"] else None
    if detach + stop + show_env > 1:
        raise click.UsageError("--detach, --stop and --env exclude each other.")
    try:
        from controlplane.data_dir import default_data_dir
        from controlplane.errors import ControlPlaneError
        from controlplane.server import serve
        from controlplane.settings import Settings
        from polykomos_provider import background_dev
    except ImportError as error:
        raise click.ClickException(
            f"The control plane is not installed ({error.name}). Run: pip install 'polykomos-provider[controlplane]'"
        ) from None
    directory = None if ephemeral else data_dir or default_data_dir()
    options["vendors"] = _vendor_names(options["vendors"])
    try:
        if stop or show_env:
            port = options["port"] if _is_given(context, "port") else None
            running = background_dev.the_one(background_dev.find(data_dir, port))
            (_stop if stop else _show_env)(running)
        elif detach:
            log = background_dev.log_file(directory, options["port"])
            for line in background_dev.start(_arguments(context), log):
                click.echo(line)
            echo_note(f"The control plane is ready. Its log: {log}. Stop it with: polykomos dev --stop")
        else:
            serve(Settings(data_dir=directory, **options), partial(_announce, options["vendors"]))
    except ControlPlaneError as error:
        raise click.ClickException(str(error)) from None


def _stop(running: Running | None) -> None:
    from polykomos_provider import background_dev

    if running is None:
        echo_note(_NONE)
        return
    background_dev.stop(running)
    echo_note(f"Stopped: {running}.")


def _show_env(running: Running | None) -> None:
    from controlplane.state_file import StateFile

    if running is None:
        raise click.ClickException('No control plane is running. Start one: eval "$(polykomos dev --detach)"')
    state = StateFile(Path(running.directory) / "control-plane.json")
    vendors = tuple((state.get("vendors") or "").split())
    _announce(vendors, running.base_url, state.get("api_key") or "", state.get("admin_token"))


def _is_given(context: click.Context, name: str, *, on: ParameterSource | None = None) -> bool:
    source = context.get_parameter_source(name)
    return source is on if on is not None else source in (ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT)


def _arguments(context: click.Context) -> list[str]:
    """Return the options of the command line, without --detach. The background process inherits the environment."""
    words: list[str] = []
    for parameter in context.command.params:
        name, value = str(parameter.name), context.params[str(parameter.name)]
        if name == "detach" or not _is_given(context, name, on=ParameterSource.COMMANDLINE):
            continue
        if isinstance(parameter, click.Option) and parameter.is_flag:
            words += parameter.opts if value else parameter.secondary_opts
        elif parameter.multiple:
            words += [word for each in value for word in (parameter.opts[0], str(each))]
        else:
            words += [parameter.opts[0], str(value)]
    return words


def _vendor_names(chosen: tuple[str, ...]) -> tuple[str, ...]:
    from controlplane.registry import VENDORS

    names = tuple(VENDORS) if "all" in chosen else tuple(dict.fromkeys(chosen))
    for name in names:
        missing = [module for module in VENDORS[name].modules if importlib.util.find_spec(module) is None]
        if missing:
            raise click.ClickException(
                f"--vendor {name} needs {', '.join(missing)}. Run: pip install 'polykomos-provider[{name}]'"
            )
    return names


def _announce(vendors: tuple[str, ...], base_url: str, api_key: str, admin_token: str | None) -> None:
    from controlplane.http.style import PREFIX
    from controlplane.registry import VENDORS

    for name in vendors:
        url = base_url.removesuffix(PREFIX) + VENDORS[name].style.prefix
        click.echo(f"export {name.upper()}_BASE_URL='{url}'")
        click.echo(f"export {name.upper()}_API_KEY={_single_quoted(api_key)}")
    click.echo(f"export POLYKOMOS_BASE_URL='{base_url}'")
    if admin_token is not None:
        click.echo(f"export POLYKOMOS_ADMIN_TOKEN={_single_quoted(admin_token)}")
    click.echo(f"export POLYKOMOS_API_KEY={_single_quoted(api_key)}")


def _single_quoted(text: str) -> str:
    quoted = shlex.quote(text)
    return quoted if quoted.startswith("'") else f"'{quoted}'"
