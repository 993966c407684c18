from __future__ import annotations

import inspect
import textwrap
import time
from typing import Annotated, Any

import pytest
from pydantic import Field

from resourcekit.context import Context
from resourcekit.errors import ResourceError
from resourcekit.fields import Arguments, Computed, RequiresReplace, Result, Secret
from resourcekit.lifecycle import Lifecycle
from resourcekit.package import Package
from resourcekit.resource import DataSource, Resource


class Client:
    """Keys in memory."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}

    def create_key(self, name: str, idempotency_key: str) -> str:
        self.names[idempotency_key] = name
        return idempotency_key

    def name_of(self, id: str) -> str | None:
        return self.names.get(id)

    def secret_of(self, id: str) -> str:
        return f"secret of {id}"

    def delete_key(self, id: str) -> None:
        self.names.pop(id, None)


def example(declaration: type) -> dict[str, Any]:
    """Run the code of a docstring's example and return its names."""
    _, _, code = inspect.cleandoc(declaration.__doc__ or "").partition("::\n")
    names: dict[str, Any] = {
        each.__name__: each
        for each in (Arguments, Client, Computed, Context, DataSource, RequiresReplace, Resource, Result, Secret)
    }
    names |= {"Annotated": Annotated, "Field": Field, "ResourceError": ResourceError}
    # The module's own `from __future__ import annotations` would hide the local names from pydantic.
    exec(compile(textwrap.dedent(code), "<docstring>", "exec", dont_inherit=True), names)
    return names


@pytest.fixture
def context() -> Context[Client]:
    return Context(api=Client(), deadline=time.monotonic() + 60)


def test_the_example_of_resource_has_a_whole_lifecycle(context: Context[Client]) -> None:
    resource = example(Resource)["Key"]()
    package = Package(
        name="keys",
        version="1.0.0",
        display_name="Keys",
        description="Keys.",
        homepage="",
        settings=Arguments,
        environment={},
        resources=(resource,),
    )
    lifecycle = Lifecycle(package, resource)
    created = lifecycle.create({"name": "ci"}, context)
    assert created.state == {"name": "ci", "secret": f"secret of {created.id}"}
    assert not created.incomplete_reason
    found = lifecycle.read(created.id, created.state, {"name": "ci"}, context)
    assert found is not None
    assert found.state == created.state
    renamed = lifecycle.diff(state=created.state, old_inputs={"name": "ci"}, news={"name": "cd"})
    assert renamed.replaces
    lifecycle.delete(created.id, created.state, context)
    assert lifecycle.read(created.id, created.state, {"name": "ci"}, context) is None


def test_the_example_of_data_source_finds_or_names_its_argument(context: Context[Client]) -> None:
    names = example(DataSource)
    id_ = context.api.create_key("ci", "k1")
    assert names["GetKey"]().call(names["GetKeyArgs"](id=id_), context).name == "ci"
    with pytest.raises(ResourceError, match="there is no key 'k2'") as raised:
        names["GetKey"]().call(names["GetKeyArgs"](id="k2"), context)
    assert raised.value.property == "id"
