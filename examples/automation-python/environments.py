"""Preview environments: for each pull request a database of its own, with the schema of its branch.

    python environments.py up PULL_REQUEST        make it, or bring it up to date
    python environments.py outputs PULL_REQUEST   print its outputs as JSON, secrets as [secret]
    python environments.py drift PULL_REQUEST     status 2 when something has changed behind its back
    python environments.py down PULL_REQUEST      remove it, and its stack

One stack per pull request, from one inline program, by Pulumi's Automation API. PULUMI_BACKEND_URL says where the
state is stored.
"""

import argparse
import json
import sys
from pathlib import Path

import pulumi
import pulumi_polykomos as polykomos
from pulumi import automation

PROJECT = "shop-previews"
SCHEMA = Path(__file__).with_name("schema.sql")
DRIFTED = 2
UNCHANGED = {"same", "refresh", "read"}


def program() -> None:
    """Declare what every environment is made of. The stack is called after the pull request."""
    stack = pulumi.get_stack()
    schema = polykomos.Blueprint("schema", name=f"shop-{stack}", sql_content=SCHEMA.read_text())
    database = polykomos.ManagedDatabase(
        "orders",
        name=f"shop-{stack}",
        blueprints=[
            polykomos.ManagedDatabaseBlueprintArgs(blueprint_uuid=schema.uuid, blueprint_version=schema.version)
        ],
    )
    pulumi.export("endpoint", database.endpoint)
    pulumi.export("connectionString", database.connection_string)


def selected(pull_request: int) -> automation.Stack:
    """Return the stack of a pull request, made where it is missing."""
    return automation.create_or_select_stack(f"pr-{pull_request}", project_name=PROJECT, program=program)


def up(stack: automation.Stack) -> int:
    """Make the environment what the program says."""
    stack.up(on_output=print)
    return 0


def outputs(stack: automation.Stack) -> int:
    """Print what the environment's users need; what is secret only as such."""
    found = stack.outputs()
    print(json.dumps({name: "[secret]" if each.secret else each.value for name, each in found.items()}, indent=2))
    return 0


def drift(stack: automation.Stack) -> int:
    """Compare what the stack knows with what is there; changes neither."""
    drifted: list[str] = []

    def note(event: automation.EngineEvent) -> None:
        done = event.res_outputs_event
        if done and done.metadata.op not in UNCHANGED and not done.metadata.type.startswith("pulumi:"):
            drifted.append(f"{done.metadata.op.value}: {done.metadata.urn.rpartition('::')[2]}")

    stack.preview_refresh(on_event=note)
    print("\n".join(drifted) or "no drift")
    return DRIFTED if drifted else 0


def down(stack: automation.Stack) -> int:
    """Remove the environment and its stack."""
    stack.destroy(on_output=print, remove=True)
    return 0


def main() -> int:
    """Run one command. Returns the exit status."""
    commands = {command.__name__: command for command in (up, outputs, drift, down)}
    parser = argparse.ArgumentParser(description="Preview environments, one for each pull request")
    parser.add_argument("command", choices=commands)
    parser.add_argument("pull_request", type=int)
    arguments = parser.parse_args()
    return commands[arguments.command](selected(arguments.pull_request))


if __name__ == "__main__":
    sys.exit(main())
