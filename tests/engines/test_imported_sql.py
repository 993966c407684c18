"""SQL that `pulumi import` does not write right into YAML (docs/how-to/adopt-existing.md): the way round works."""

from __future__ import annotations

import json
import re
import subprocess

import httpx
import yaml

from support.control_plane import new_key
from support.pulumi import Stack
from support.readme import ROOT, blocks

SQL = {
    "escaped": "SELECT '$${b}'",
    "breaks": "\n\nSELECT 1;\n",
    "tab": "\tSELECT 1;\n\tSELECT 2;\n",
    "dollars": "DO $$ BEGIN PERFORM 1; END $$;",
    "windows": "\r\nSELECT 1;\r\n",
}
PAGE = ROOT / "docs" / "how-to" / "adopt-existing.md"


def test_sql_that_yaml_does_not_take_comes_from_a_file(stack: Stack, api: httpx.Client) -> None:
    wanted = []
    for name, sql in SQL.items():
        reply = api.post("/blueprints", json={"name": name, "sql_content": sql}, headers=new_key()).raise_for_status()
        wanted.append({"type": "polykomos:index:Blueprint", "name": name, "id": reply.json()["data"]["uuid"]})
    (stack.directory / "import.json").write_text(json.dumps({"resources": wanted}))
    stack.run("import", "--file", "import.json", "--out", "adopted.yaml", "--yes")
    written = (stack.directory / "adopted.yaml").read_text()
    assert "'$$${b}'" in written, "Pulumi escapes it now: the page can be shorter"

    (step,) = (block.text for block in blocks(PAGE) if "stack export" in block.text)
    subprocess.run(["bash", "-ec", step], cwd=stack.directory, env=stack.env, check=True)
    assert {name: (stack.directory / f"{name}.sql").read_bytes().decode() for name in SQL} == SQL
    properties = yaml.safe_load(next(block.text for block in blocks(PAGE) if block.language == "yaml"))
    assert list(properties["sqlContent"]) == ["fn::readFile"]
    declared = {name: ("Blueprint", {"name": name, "sqlContent": {"fn::readFile": f"./{name}.sql"}}, {"protect": True}) for name in SQL}  # fmt: skip # noqa: E501
    stack.write(declared)
    stack.run("preview", "--expect-no-changes")


def test_a_body_in_a_named_quote_needs_no_file(stack: Stack, api: httpx.Client) -> None:
    assert re.search(r"`\$body\$", PAGE.read_text())
    sql = "DO $body$ BEGIN PERFORM 1; END $body$;"
    stack.write({"bp": ("Blueprint", {"name": "named", "sqlContent": sql})}, {"uuid": "${bp.uuid}"})
    stack.up()
    assert api.get(f"/blueprints/{stack.outputs()['uuid']}").json()["data"]["sql_content"] == sql
    stack.assert_no_changes()
    stack.destroy()
