"""The reference's code samples, run as they are printed; the answers are those printed beside them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest

from support.control_plane import ControlPlane, new_key, wait_until
from support.receiver import Receiver
from support.reference import ABSENT, ELIDED, GUIDE, REFERENCE, Entry, entries
from support.sample_languages import LANGUAGES, answers

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
DATABASE = "d7f3a1b2-4c5e-6f7a-8b9c-0d1e2f3a4b5c"


class Story:
    """Runs samples of one language. stands_for: what a printed text is here."""

    def __init__(self, language: str, directory: Path, plane: ControlPlane) -> None:
        self._language, self._directory, self._plane = language, directory, plane
        self.stands_for = {
            "https://polykomos.com/api/v1": plane.base_url,
            "pk_live_...": plane.api_key,
            "use_ssl: true": "use_ssl: false",
        }
        self.ran: set[str] = set()

    def answers(self, name: str, samples: Mapping[str, str]) -> list[Any]:
        """Where the language has no sample for it, the shell's is run: what comes next may need it."""
        language = self._language if self._language in samples else "sh"
        if language == self._language:
            self.ran.add(name)
        return answers(language, samples[language], self.stands_for, self._plane.api_key, self._directory)


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


@pytest.mark.parametrize("language", LANGUAGES)
def test_samples_are_answered_as_printed(language: str, plane: ControlPlane, tmp_path: Path) -> None:
    reference, story = entries(), Story(language, tmp_path, plane)

    def run(name: str) -> Any:
        """The body of the answer, after a look at it."""
        entry: Entry = reference[name]
        expected = next(each for each in entry.answers if each[0] < 300)
        (*_, (status, body)) = story.answers(name, entry.samples)
        assert status == expected[0], f"{name}: {body}"
        assert_as_printed(
            expected[1], json.loads(json.dumps(body).replace(receiver.origin, "https://your-app.com")), name
        )
        return body

    with Receiver([200]) as receiver, plane.client() as api:
        story.stands_for["https://your-app.com"] = receiver.origin
        hook = run("POST /api/v1/webhook_endpoints")["data"]["id"]
        story.stands_for |= {"webhook_endpoints/7": f"webhook_endpoints/{hook}"}
        (checked, _), (made, first) = story.answers("", reference[""].samples)
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
        with psycopg.connect(api.get(f"/databases/{database}").json()["data"]["connection_string"]) as conn:
            conn.execute("ALTER TABLE contacts ADD created_at timestamptz DEFAULT now()")
        for name, entry in reference.items():
            if name.startswith(GUIDE):
                assert {status for status, _ in story.answers(name, entry.samples)} == {200}, entry
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
