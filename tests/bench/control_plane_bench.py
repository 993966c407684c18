"""What the control plane does a second, beside what the server under it does bare, in the same run.

CLIENTS threads call over connections that stay open. `/healthz` asks the server for SELECT 1 and is the least that a
request can cost here.
"""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import statistics
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
from report import Report

from controlplane.engines.postgres.template import TEMPLATE
from support import server_admin
from support.control_plane import ControlPlane, create_database, new_key

SECONDS = 4.0
POOLED = 50  # the most that are kept
AT_ONCE = 3


def fill_pool(plane: ControlPlane, count: int) -> None:
    """Have `count` instances ready, and none built meanwhile."""
    with plane.admin() as admin, server_admin.connect(plane) as conn:
        admin.patch("/provisioning", json={"pool_size": count}).raise_for_status()
        while conn.execute("SELECT count(*) FROM pool_instances WHERE is_ready").fetchone() != (count,):
            time.sleep(0.2)
        admin.patch("/provisioning", json={"pool_size": 1}).raise_for_status()


def calls(
    plane: ControlPlane, clients: int, request: Callable[[], tuple[str, str, str | None]], most: int | None
) -> tuple[float, ...]:
    """Calls a second, p50 and p99 in milliseconds. most: calls altogether, None = SECONDS long."""
    times: list[float] = []
    began_all = time.perf_counter()
    stop = began_all + SECONDS
    left = iter(range(most)) if most is not None else itertools.count()

    def run() -> None:
        connection = http.client.HTTPConnection(plane.origin.removeprefix("http://"))
        while (most is not None or time.perf_counter() < stop) and next(left, None) is not None:
            method, path, body = request()
            headers = {"Authorization": f"Bearer {plane.api_key}", **new_key()}
            began = time.perf_counter()
            connection.request(method, path, body, headers)
            reply = connection.getresponse()
            reply.read()
            times.append((time.perf_counter() - began) * 1000)
            assert reply.status < 300, reply.status

    threads = [threading.Thread(target=run) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - began_all
    times.sort()
    return len(times) / took, times[len(times) // 2], times[int(len(times) * 0.99)]


def throughput(report: Report, plane: ControlPlane, database: dict[str, Any]) -> None:
    report.table(("request", "clients", "a second", "p50 ms", "p99 ms"))
    kinds = {
        "healthz": ("GET", "/healthz", None),
        "get": ("GET", f"/api/v1/databases/{database['uuid']}", None),
        "list": ("GET", "/api/v1/databases", None),
        "rename": ("PATCH", f"/api/v1/databases/{database['uuid']}", json.dumps({"name": "again"})),
        "create from the pool": ("POST", "/api/v1/databases?wait=true", json.dumps({"name": "pooled"})),
    }
    for name, request in kinds.items():
        for clients in (1, 16):
            if request[0] == "POST":
                fill_pool(plane, POOLED)
            most = POOLED if request[0] == "POST" else None
            rate, p50, p99 = calls(plane, clients, lambda request=request: request, most)
            report.cells(name, clients, f"{rate:.0f}", f"{p50:.1f}", f"{p99:.1f}")


def in_turn(one: Callable[[], object], other: Callable[[], object], times: int) -> tuple[float, float]:
    """The medians of two that alternate, in seconds: what else the machine does meets both."""
    pairs = [(_timed(one), _timed(other)) for _ in range(times)]
    return statistics.median(pair[0] for pair in pairs), statistics.median(pair[1] for pair in pairs)


def bare_assignments(conn: psycopg.Connection[Any], count: int) -> Iterator[Callable[[], None]]:
    """What handing out a ready database costs the server alone: rename, login, limit, a row, one commit."""
    conn.execute("CREATE TABLE IF NOT EXISTS bench_rows (name text)")
    for _ in range(count):
        mark = uuid.uuid4().hex
        conn.execute(f'CREATE ROLE "bare_{mark}" NOLOGIN')
        conn.execute(f'CREATE DATABASE "bare_{mark}"')

        def assign(mark: str = mark) -> None:
            with conn.transaction():
                conn.execute(f'ALTER DATABASE "bare_{mark}" RENAME TO "named-{mark}"')
                conn.execute(f"ALTER ROLE \"bare_{mark}\" LOGIN PASSWORD '{mark}' CONNECTION LIMIT 20")
                conn.execute("INSERT INTO bench_rows VALUES (%s)", (mark,))

        yield assign


def provisioning(report: Report, plane: ControlPlane) -> None:
    with plane.client() as api, plane.admin() as admin, server_admin.connect(plane) as conn:
        admin.patch("/provisioning", json={"pool_size": 0}).raise_for_status()
        cold, made = in_turn(lambda: create_database(api, "cold"), lambda: _bare(conn), 15)
        report.row("cold create", f"{cold * 1000:.0f} ms ({1 / cold:.1f}/s)",
                   f"role + CREATE DATABASE {made * 1000:.0f} ms", cold / made, "1.3x")  # fmt: skip
        ours, made = in_turn(lambda: _bare(conn, TEMPLATE), lambda: _bare(conn), 15)
        report.row("role + CREATE DATABASE of the template that ours are copied from", f"{ours * 1000:.0f} ms",
                   f"of template0 {made * 1000:.0f} ms", ours / made)  # fmt: skip
        many, bare_many = at_once(lambda: create_database(api, "cold"), lambda: _bare_elsewhere(plane))
        report.row(f"cold creates, {AT_ONCE} at once", f"{many:.1f}/s", f"role + CREATE DATABASE {bare_many:.1f}/s",
                   bare_many / many, "1.3x")  # fmt: skip
        fill_pool(plane, 30)
        assignments = iter(list(bare_assignments(conn, 25)))
        pooled, assigned = in_turn(lambda: create_database(api, "pooled"), lambda: next(assignments)(), 25)
        report.row("create from the pool", f"{pooled * 1000:.1f} ms ({1 / pooled:.0f}/s)",
                   f"bare assignment {assigned * 1000:.1f} ms", pooled / assigned, "3x")  # fmt: skip


def at_once(one: Callable[[], object], other: Callable[[], object]) -> tuple[float, float]:
    """How many a second of each, AT_ONCE under way at a time; the two take turns."""
    seconds = [0.0, 0.0]
    with ThreadPoolExecutor(AT_ONCE) as threads:
        for _ in range(4):
            for which, work in enumerate((one, other)):
                batch = [work] * (3 * AT_ONCE)
                seconds[which] += _timed(lambda batch=batch: list(threads.map(lambda do: do(), batch)))
    return 12 * AT_ONCE / seconds[0], 12 * AT_ONCE / seconds[1]


def _bare_elsewhere(plane: ControlPlane) -> None:
    with server_admin.connect(plane) as conn:
        _bare(conn)


def _bare(conn: psycopg.Connection[Any], template: str = "template0") -> None:
    mark = uuid.uuid4().hex
    conn.execute(f'CREATE ROLE "cold_{mark}" NOLOGIN')
    conn.execute(f'CREATE DATABASE "cold_{mark}" TEMPLATE {template}')


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def family(pid: int) -> list[int]:
    """The process and all that it has started: the servers, and a process of theirs for each connection."""
    found = [pid]
    for parent in found:
        with contextlib.suppress(OSError):  # it has just ended
            found += map(int, Path(f"/proc/{parent}/task/{parent}/children").read_text().split())
    return found


def resident(pids: list[int]) -> float:
    """MB, each process's share of what several use together (PSS): pages of PostgreSQL's count once."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
            total += sum(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    return total / 1024


def memory(report: Report, plane: ControlPlane) -> None:
    before = _memory(plane)
    with plane.client() as api, plane.admin() as admin, server_admin.connect(plane) as conn:
        admin.patch("/provisioning", json={"pool_size": 8}).raise_for_status()
        while (row := conn.execute("SELECT count(*) FROM databases").fetchone()) and row[0] < 300:
            create_database(api, "many")
    report.row("memory after 300 databases, with PostgreSQL", _memory(plane), f"before {before}")


def _memory(plane: ControlPlane) -> str:
    return f"{resident(family(plane.pid)):.0f} MB ({resident([plane.pid]):.0f} MB of it our own)"


def main() -> None:
    report = Report("The control plane", __doc__.split("\n\n")[1].replace("\n", " "))
    with tempfile.TemporaryDirectory() as directory:
        arguments = ["--data-dir", str(Path(directory) / "data"), "--rate-limit", "0", "--pool-size", "2"]
        with ControlPlane(*arguments, quick=False) as plane:
            plane.stop()
            began = time.perf_counter()
            plane.start()
            report.row("ready, its data directory there", f"{time.perf_counter() - began:.2f} s", target="3 s")
            with plane.client() as api:
                database = create_database(api, "first")
            provisioning(report, plane)
            throughput(report, plane, database)
            report.text("")
            memory(report, plane)
    report.write()


if __name__ == "__main__":
    main()
