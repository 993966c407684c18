"""A protected database keeps what depends on it: what would destroy or replace the database is refused in the plan."""

from __future__ import annotations

from support.naming import unique
from support.terraform import Workspace

MODULE = """
resource "polykomos_database" "db" {{
  name                = "{name}"
  deletion_protection = true
}}
resource "polykomos_blueprint" "bp" {{
  name        = "{name}"
  sql_content = "CREATE TABLE t (n int);"
}}
resource "polykomos_blueprint_application" "app" {{
  database_uuid  = polykomos_database.db.uuid
  blueprint_uuid = polykomos_blueprint.bp.uuid
}}
resource "polykomos_webhook_endpoint" "hook" {{
  url        = "https://example.com/{name}"
  depends_on = [polykomos_database.db]
}}
resource "polykomos_database" "second" {{
  name       = "{name}-two"
  depends_on = [polykomos_database.db]
}}
"""
DB = "polykomos_database.db"


def test_nothing_around_a_protected_database_is_destroyed(started_workspace: Workspace) -> None:
    workspace, module = started_workspace, MODULE.format(name=unique("kept"))
    workspace.write(module)
    workspace.apply()
    before = workspace.resources()

    def refuses(command: str, *words: str) -> None:
        refused = {"apply": workspace.apply, "destroy": workspace.destroy}[command](*words, ok=False)
        assert "has `deletion_protection`" in refused.diagnostics, (command, *words)
        assert "Cannot plan" in refused.diagnostics, "before anything is touched"
        assert workspace.resources() == before

    refuses("destroy")
    refuses("destroy", f"-target={DB}")
    refuses("apply", f"-replace={DB}")
    refuses("apply", f"-replace={DB}", f"-target={DB}")
    # The program may force a replacement as well, which stands in no command line and no state.
    changed = module.replace("t (n int)", "t (n bigint)")
    for more in ("", "create_before_destroy = true"):
        lifecycle = f"lifecycle {{\n replace_triggered_by = [polykomos_blueprint.bp]\n {more}\n}}"
        workspace.write(changed.replace("= true", f"= true\n{lifecycle}", 1))
        refuses("apply")
    workspace.write(module)
    workspace.run("taint", DB)
    refuses("apply")
    refuses("apply", "-refresh=false")
    # What is not the database's replacement is planned as ever: a target leaves the tainted one alone.
    other = '\nresource "polykomos_webhook_endpoint" "other" {\n  url = "https://example.com/other"\n}\n'
    workspace.write(module + other)
    workspace.apply("-target=polykomos_webhook_endpoint.other")
    workspace.run("untaint", DB)
    workspace.write("")
    refused = workspace.apply(ok=False)
    assert "has `deletion_protection`" in refused.diagnostics
    assert before.items() <= workspace.resources().items()
    workspace.write(module)
    workspace.apply()
    workspace.settled()
    assert workspace.resources() == before, "nothing was made again"
    workspace.write(module.replace("= true", "= false"))
    workspace.apply()
    workspace.destroy()
