"""The reference's code samples, run as they are printed; the answers are those printed beside them.

Samples in PHP, Ruby and Go are not run.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.control_plane import ControlPlane, new_key, wait_until
from support.receiver import Receiver
from support.reference import ABSENT, ELIDED, REFERENCE, Entry, entries

pytestmark = pytest.mark.skipif(not REFERENCE.exists(), reason=ABSENT)

# What is each service's own: only its presence and type is compared.
OWN = {
    "uuid", "id", "host", "port", "db_name", "db_username", "db_password", "connection_string", "team_id", "team_name",
    "created_at", "updated_at", "last_used_at", "last_success_at", "last_failure_at", "started_at", "completed_at",
    "destroy_scheduled_at", "request_id", "secret", "query_id", "endpoint_id", "blueprint_id", "database_instance_id",
    "total_duration_ms", "user", "preview", "permissions",
}  # fmt: skip
KEY_NAME = "GET /api/v1/me.data.api_key.name"
# A blueprint of 482 bytes and three statements, as the reference's is.
_CONTACTS = """CREATE TABLE contacts (id SERIAL PRIMARY KEY, name text NOT NULL, email text, company text, created_at
timestamptz DEFAULT now()); INSERT INTO contacts (name, email, company) VALUES ('Alice Chen', 'alice@acme.com',
'Acme Corp'); ALTER TABLE contacts DROP COLUMN created_at; -- """
CONTACTS = _CONTACTS.ljust(482, "-")
# Each sample's requests are told on standard error, one answer a line.
TELLING = {
    "sh": r"""
curl() { command curl -w '\n%{http_code}' "$@" | { mapfile -t got; echo "[${got[1]}, ${got[0]}]" >&2; }; }
uuidgen() { cat /proc/sys/kernel/random/uuid; }
""",
    "python": """
import json, os, sys, requests
_ask = requests.Session.request
def _told(*words, **more):
    got = _ask(*words, **more)
    print(json.dumps([got.status_code, got.json()]), file=sys.stderr)
    return got
requests.Session.request = _told
api_key = os.environ["POLYKOMOS_API_KEY"]
db_uuid, blueprint_uuid = "d7f3a1b2-...", "b1c2d3e4-..."
""",
    "javascript": """
const ask = fetch;
globalThis.fetch = async (...words) => {
  const got = await ask(...words);
  console.error(JSON.stringify([got.status, await got.clone().json()]));
  return got;
};
globalThis.API_KEY = process.env.POLYKOMOS_API_KEY;
globalThis.dbUuid = "d7f3a1b2-...";
globalThis.bpUuid = globalThis.blueprintUuid = "b1c2d3e4-...";
""",
}
RUN = {"sh": ["bash"], "python": [sys.executable], "javascript": ["node"]}
SUFFIX = {"sh": ".sh", "python": ".py", "javascript": ".mjs"}
DATABASE = "d7f3a1b2-4c5e-6f7a-8b9c-0d1e2f3a4b5c"


class Story:
    """Runs samples of one language. stands_for: what a printed text is here."""

    def __init__(self, language: str, directory: Path, plane: ControlPlane) -> None:
        self._language, self._directory, self._plane = language, directory, plane
        self.stands_for = {"https://polykomos.com/api/v1": plane.base_url, "pk_live_...": plane.api_key}
        self.ran: set[str] = set()

    def answers(self, name: str, sample: str) -> list[tuple[int, Any]]:
        self.ran.add(name)
        text = TELLING[self._language] + sample
        for printed, here in self.stands_for.items():
            text = text.replace(printed, here)
        path = self._directory / f"sample{SUFFIX[self._language]}"
        path.write_text(text)
        env = {**os.environ, "POLYKOMOS_API_KEY": self._plane.api_key, "NO_PROXY": "*", "no_proxy": "*"}
        done = subprocess.run([*RUN[self._language], path], capture_output=True, text=True, env=env, timeout=60)
        assert done.returncode == 0, f"{sample}\n{done.stderr}"
        told = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("[")]
        return [(status, body) for status, body in told]


@pytest.fixture
def plane() -> Iterator[ControlPlane]:
    with ControlPlane("--ephemeral", "--pool-size", "1") as running:
        yield running


def assert_as_printed(printed: Any, answer: Any, where: str = "") -> None:
    """What is printed is there; more may be (api-facts C6, C7, C21)."""
    if isinstance(printed, dict):
        assert isinstance(answer, dict), where
        for name, value in printed.items():
            if name != ELIDED:
                assert name in answer, f"{where}.{name} is missing"
                if name not in OWN and f"{where}.{name}" != KEY_NAME:
                    assert_as_printed(value, answer[name], f"{where}.{name}")
                elif value is not None and answer[name] is not None:
                    assert type(answer[name]) is type(value), f"{where}.{name}: {answer[name]!r}"
    elif isinstance(printed, list) and printed and isinstance(printed[0], dict):
        assert answer, f"{where} is empty"
        assert_as_printed(printed[0], answer[0], f"{where}[0]")
    else:
        assert answer == printed, f"{where}: {answer!r}, and printed is {printed!r}"


@pytest.mark.parametrize("language", ["sh", "python", "javascript"])
def test_samples_are_answered_as_printed(language: str, plane: ControlPlane, tmp_path: Path) -> None:
    assert shutil.which(RUN[language][0]), f"{RUN[language][0]} is not on PATH"
    reference, story = entries(), Story(language, tmp_path, plane)

    def run(name: str) -> Any:
        """The body of the answer, after a look at it."""
        entry: Entry = reference[name]
        if language not in entry.samples:
            return None
        expected = next(each for each in entry.answers if each[0] < 300)
        (*_, (status, body)) = story.answers(name, entry.samples[language])
        assert status == expected[0], f"{name}: {body}"
        assert_as_printed(
            expected[1], json.loads(json.dumps(body).replace(receiver.origin, "https://your-app.com")), name
        )
        return body

    with Receiver([200]) as receiver, plane.client() as api:
        story.stands_for["https://your-app.com"] = receiver.origin
        hook = run("POST /api/v1/webhook_endpoints")["data"]["id"]
        story.stands_for |= {"webhook_endpoints/7": f"webhook_endpoints/{hook}"}
        (checked, _), (made, first) = story.answers("", reference[""].samples[language])
        assert (checked, made) == (200, 201)
        # The defaults of a plan are each service's own.
        limits = {"storage_hard_limit_gb": 10, "connection_hard_limit": 50, "warning_threshold_pct": 80}
        path = f"/databases/{first['data']['uuid']}/quotas"
        api.patch(path, json=limits, headers=new_key()).raise_for_status()
        run("GET /api/v1/me")
        run("GET /api/v1/database_types")
        run("GET /api/v1/databases")
        database = run("POST /api/v1/databases")["data"]["uuid"]
        story.stands_for |= {DATABASE: database, "d7f3a1b2-...": database}
        run("GET /api/v1/databases/:uuid")

        story.stands_for["b1c2d3e4-..."] = blueprint = run("POST /api/v1/blueprints")["data"]["uuid"]
        run("GET /api/v1/blueprints/:uuid")
        # The printed version 2 is that of changed SQL (api-facts C19).
        api.patch(f"/blueprints/{blueprint}", json={"sql_content": "SELECT 1"}).raise_for_status()
        run("PATCH /api/v1/blueprints/:uuid")
        run("DELETE /api/v1/blueprints/:uuid")
        api.delete(f"/blueprints/{blueprint}")  # not every language has that sample; the next one takes its slug

        body = {
            "name": "seed-contacts",
            "sql_content": CONTACTS,
            "description": "Creates a contacts table with sample data",
        }
        seed = api.post("/blueprints", json=body, headers=new_key()).json()["data"]["uuid"]
        story.stands_for["b1c2d3e4-..."] = seed
        run("GET /api/v1/blueprints")
        applied = run("POST /api/v1/databases/:uuid/blueprint_applications")["data"]["id"]
        story.stands_for["blueprint_applications/42"] = f"blueprint_applications/{applied}"
        run("GET /api/v1/blueprint_applications/:id")
        run("POST /api/v1/query_executions")
        run("POST /api/v1/blueprint_validations")
        wait_until(lambda: api.get(f"/webhook_endpoints/{hook}/deliveries").json()["data"])
        wait_until(lambda: api.get("/webhook_endpoints").json()["data"][0]["last_success_at"])
        run("GET /api/v1/webhook_endpoints/:id/deliveries")
        run("GET /api/v1/webhook_endpoints")
        run("POST /api/v1/webhook_endpoints/:id/test_deliveries")
        run("PATCH /api/v1/databases/:uuid")
        run("PATCH /api/v1/databases/:uuid/quotas")
        run("DELETE /api/v1/databases/:uuid")
        run("DELETE /api/v1/webhook_endpoints/:id")
    assert story.ran == {name for name, entry in reference.items() if language in entry.samples}
