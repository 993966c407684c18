"""Run one control-plane process: uvicorn, its socket, signals and background workers."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import errno
import logging
import secrets
import signal
import socket
from collections.abc import Callable, Iterator
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from controlplane import registry, supervisor, worker_pool
from controlplane.account.seed import Seed, apply_seed, developer_user, read_seed
from controlplane.admin import controls_sync
from controlplane.app import create_app
from controlplane.bootstrap import open_services
from controlplane.data_dir import open_data_dir
from controlplane.databases.warm_pool import wait_until_full
from controlplane.engines.postgres.bootstrap import bootstrap, parse_server_url
from controlplane.engines.postgres.cluster import embedded_server
from controlplane.engines.postgres.cluster_cache import ClusterCache, default_directory
from controlplane.errors import StartupError
from controlplane.http.protocol import uvicorn_config
from controlplane.http.style import PREFIX
from controlplane.logging import configure_logging
from controlplane.plans import PLANS
from controlplane.process_record import recorded
from controlplane.request_log import writer
from controlplane.request_log.recorder import Recorder
from controlplane.services import Services
from controlplane.settings import Settings
from controlplane.state_file import StateFile

_log = logging.getLogger("controlplane")

# The first create should be instant, but a start should not take long either.
_POOL_FILL_SECONDS = 2.0
# How long uvicorn waits for requests in flight; those that wait for provisioning return at once (Services.stopping).
_GRACEFUL_SECONDS = 5


def serve(settings: Settings, announce: Callable[[str, str, str | None], None]) -> None:
    """Run until SIGTERM or SIGINT.

    Args:
        settings: What `polykomos dev` was started with.
        announce: Called once when all is ready, with the base URL, the API key and the admin token.

    Raises:
        ControlPlaneError: The control plane cannot start, or PostgreSQL ended.
    """
    show_log = configure_logging()
    _end_on_signal()
    seed = Seed() if settings.seed is None else read_seed(settings.seed)
    with open_data_dir(settings.data_dir) as directory, _listen(settings) as listener:
        state = StateFile(directory / "control-plane.json")
        if settings.api_key is not None:
            state.set("api_key", settings.api_key)
        api_key = state.get_or_create("api_key", lambda: f"pk_live_{secrets.token_hex(20)}")
        state.set("vendors", " ".join(settings.vendors))
        admin_token = state.get_or_create("admin_token", secrets.token_hex) if settings.has_admin else None
        free = dataclasses.replace(PLANS["free"], daily_queries=settings.free_queries or None)
        plans = seed.merged_with({**PLANS, "free": free})
        users = [developer_user(api_key, settings.rate_limit), *seed.users]
        with contextlib.ExitStack() as stack:
            if settings.database_url is not None:
                server = parse_server_url(settings.database_url)
            else:
                ephemeral = settings.data_dir is None
                copy = ClusterCache(default_directory(), bootstrap).copy if ephemeral else None
                embedded = embedded_server(directory / "postgres", state, ephemeral=ephemeral, copy=copy)
                server = stack.enter_context(embedded)
            base_url = f"http://{_shown_host(settings.host)}:{listener.getsockname()[1]}{PREFIX}"

            def ready() -> None:
                stack.enter_context(recorded(directory, base_url, detached=settings.detached))
                announce(base_url, api_key, admin_token)
                show_log()

            async def run() -> None:
                async with open_services(settings, server, directory, state, plans, seed.queries) as services:
                    async with services.pool.connection() as conn, conn.transaction():
                        if settings.has_admin:
                            await controls_sync.reload(services, conn)
                        for user in users:
                            await apply_seed(conn, user, services.clock.now())
                    recorder = Recorder()
                    application = create_app(services, recorder, admin_token)
                    await _serve(services, application, recorder, listener, ready)

            with asyncio.Runner(loop_factory=_loop_factory()) as runner:
                runner.run(run())


async def _serve(
    services: Services,
    application: ASGIApp,
    recorder: Recorder,
    listener: socket.socket,
    announce: Callable[[], None],
) -> None:
    loop = asyncio.get_running_loop()
    web = _Web(
        uvicorn_config(
            application,
            proxy_headers=False,  # anyone can send them, and a key may be bound to addresses
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_GRACEFUL_SECONDS,
        )
    )

    def stop() -> None:
        services.stopping.set()
        services.notifiers.databases.notify()
        services.notifiers.applications.notify()
        web.should_exit = True

    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, stop)

    async def write_request_log(services: Services) -> None:
        await writer.request_log_worker(recorder, services.pool)

    watchers = (controls_sync.controls_worker,) if services.settings.has_admin else ()
    workers = (*registry.workers(services.settings), write_request_log, *watchers)
    background = asyncio.create_task(supervisor.supervise(services, workers))
    background.add_done_callback(lambda _: stop())
    serving = asyncio.create_task(web.serve(sockets=[listener]))
    try:
        await wait_until_full(services, _POOL_FILL_SECONDS)
        await asyncio.wait([serving, asyncio.create_task(web.ready.wait())], return_when=asyncio.FIRST_COMPLETED)
        if not serving.done() and not services.stopping.is_set():
            announce()
        await serving
    finally:
        await worker_pool.cancel_and_wait([background])
    if not background.cancelled():
        background.result()
    _log.info("stopped")


class _Web(uvicorn.Server):
    """uvicorn without signal handling: it would raise the signals again at the end, before PostgreSQL is stopped."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Set `ready` once the socket is served."""
        await super().startup(sockets)
        self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield


@contextlib.contextmanager
def _listen(settings: Settings) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # asyncio sets TCP_NODELAY only if the protocol is named. Without it each call takes 40 ms longer.
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((settings.host, settings.port))
        except OSError as error:
            raise StartupError(
                f"Cannot listen on {settings.host} port {settings.port}: {error.strerror}. {_remedy(error)}"
            ) from None
        yield listener


def _remedy(error: OSError) -> str:
    """Return the option to change: the host or the port, whichever was refused."""
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return "Set --host to a name or an address of this machine, such as 127.0.0.1 or 0.0.0.0."
    if error.errno == errno.EACCES:
        return "Choose a --port from 1024 up, for which no special rights are needed; 0 takes a free one."
    return "Choose another --port; 0 takes a free one. A control plane of your own ends with `polykomos dev --stop`."


def _shown_host(host: str) -> str:
    """Return a host that a client on this machine can use."""
    if host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return uvloop's factory, or None for the standard library's where uvloop has no wheel."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def _end_on_signal() -> None:
    """Unwind on a signal before and after the event loop, so that PostgreSQL is stopped too."""

    def leave(_number: int, _frame: FrameType | None) -> None:
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)
