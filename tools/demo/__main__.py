"""A team's whole day with this provider, on a real Pulumi engine, a real control plane and real PostgreSQL.

Exit status 0 only if every step was as said; nothing is left running and nothing outside a temporary directory written.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import httpx
import psycopg
from narration import DemoError, check, result, say, step
from receiver import Receiver
from surroundings import Project, control_plane, is_listening, left_running

NON_ZERO = (-1,)


def day(directory: Path) -> None:
    """Play the whole story in `directory`."""
    step("Start the reference control plane (real PostgreSQL, the default rate limit)")
    with control_plane(directory / "control-plane.log") as env, Receiver() as receiver:
        say(f"serving {env['POLYKOMOS_BASE_URL']}")
        api = httpx.Client(
            base_url=env["POLYKOMOS_BASE_URL"], headers={"Authorization": f"Bearer {env['POLYKOMOS_API_KEY']}"}
        )
        pulumi = Project(directory, env)
        pulumi("stack", "init", "dev", quiet=True)
        pulumi("config", "set", "webhookUrl", receiver.url, quiet=True)

        database_port = morning(pulumi, receiver)
        drift(pulumi, api)
        adoption(pulumi, api)
        evening(pulumi, api, receiver)
        ports = [httpx.URL(env["POLYKOMOS_BASE_URL"]).port or 0, database_port]
    step("Nothing is left running")
    check(not left_running(directory), "no engine, no plugin")
    check(not any(is_listening(port) for port in ports), "no control plane, no PostgreSQL")


def morning(pulumi: Project, receiver: Receiver) -> int:
    """Create everything and look at it from outside; returns the port of the databases' server."""
    step("Bring the stack up: a blueprint, two databases, an application, a webhook endpoint")
    pulumi("up", "--yes")
    uuid = pulumi("stack", "output", "ordersUuid", quiet=True).strip()
    url = pulumi("stack", "output", "ordersUrl", "--show-secrets", quiet=True).strip()

    step("Connect to the new database with the stack's output")
    with psycopg.connect(url) as connection:
        tables = [row[0] for row in connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
        )]  # fmt: skip
        people = connection.execute("SELECT name FROM contacts").fetchall()
        port = connection.info.port
        say(f"tables: {', '.join(tables)}; contacts: {people}")
    check(tables == ["contacts", "notes"], "the blueprint's tables are there")
    check(people == [("Grace Hopper",)], "the application's variable went in")
    check(uuid in pulumi("stack", "output", quiet=True), "the stack's outputs show the database")
    check(url not in pulumi("stack", "export", quiet=True), "the state holds no password in plain text")

    step("The webhook endpoint received both events, signed with its secret")
    secret = pulumi("stack", "output", "webhookSecret", "--show-secrets", quiet=True).strip()
    received = receiver.wait_for("database.provisioned", 2)
    check({d.subject for d in received} == {"shop-orders", "shop-reports"}, "database.provisioned for both")
    check(all(d.is_signed_with(secret) for d in received), "each signature is right")

    step("Nothing to do the second time")
    pulumi("up", "--yes", "--expect-no-changes")
    return port


def drift(pulumi: Project, api: httpx.Client) -> None:
    """Change something without Pulumi; find it, fail on it as CI would, repair it."""
    step("Rename a database without Pulumi")
    uuid = pulumi("stack", "output", "reportsUuid", quiet=True).strip()
    renamed = api.patch(f"/databases/{uuid}", json={"name": "who-did-this"}, headers={"Idempotency-Key": "demo-1"})
    check(renamed.status_code == 200, "renamed to who-did-this through the API")

    step("Drift detection finds it")
    found = pulumi("preview", "--refresh", "--diff")
    check("who-did-this" in found and "shop-reports" in found, "preview shows the name that is and the one declared")
    pulumi("refresh", "--preview-only", "--expect-no-changes", expect=NON_ZERO, quiet=True)
    result("refresh --preview-only --expect-no-changes fails, as CI wants it")

    step("`up` repairs it in place")
    pulumi("up", "--yes", "--refresh")
    database = api.get(f"/databases/{uuid}").json()["data"]
    check(database["name"] == "shop-reports", "the database has its name back, and its uuid still")
    pulumi("preview", "--refresh", "--expect-no-changes", quiet=True)
    result("no drift is left")


def adoption(pulumi: Project, api: httpx.Client) -> None:
    """Import a database that was made by hand."""
    step("Adopt a database that was made by hand")
    made = api.post("/databases?wait=true", json={"name": "made-by-hand"}, headers={"Idempotency-Key": "demo-2"})
    uuid = made.json()["data"]["uuid"]
    say(f"made-by-hand is {uuid}")
    where = pulumi.directory / "imported.yaml"
    pulumi("import", "polykomos:index:Database", "adopted", uuid, "--yes", "--protect=false", "--out", str(where))
    program = pulumi.directory / "Pulumi.yaml"
    adopted = "  adopted:\n    type: polykomos:Database\n    properties:\n      name: made-by-hand\n\noutputs:\n"
    program.write_text(program.read_text().replace("outputs:\n", adopted, 1))
    pulumi("preview", "--expect-no-changes", quiet=True)
    result("with four lines added to the program, the preview is empty")


def evening(pulumi: Project, api: httpx.Client, receiver: Receiver) -> None:
    """Take everything down."""
    step("Destroy it all")
    pulumi("destroy", "--yes")
    check(api.get("/databases").json()["data"] == [], "no database is left")
    endpoints = api.get("/webhook_endpoints").json()["data"]
    check(all(endpoint["status"] == "revoked" for endpoint in endpoints), "the endpoint is revoked")
    check(len(receiver.of("database.provisioned")) == 3, "three databases were announced in all")


def main() -> int:
    """Return the exit status."""
    with tempfile.TemporaryDirectory(prefix="polykomos-demo-") as directory:
        try:
            day(Path(directory))
        except (DemoError, TimeoutError, httpx.HTTPError, psycopg.Error) as error:
            print(f"\ndemo: FAILED: {error}", file=sys.stderr)
            return 1
    print("\ndemo: every step was as said")
    return 0


if __name__ == "__main__":
    sys.exit(main())
