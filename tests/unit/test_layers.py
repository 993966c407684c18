"""Test that the folders and files of each package form layers: no two of them import each other, however indirectly."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

PROVIDER = Path(__file__).parents[2] / "provider"
PACKAGES = ("controlplane", "polykomos", "polykomos_provider", "polnor", "polytomic", "pragma", "resourcekit")

Imports = dict[str, set[str]]
"""The modules that each module imports."""


def modules(root: Path = PROVIDER) -> dict[str, Path]:
    """Return the file of each module of the packages, by dotted name."""
    found = {}
    for package in PACKAGES:
        for path in (root / package).rglob("*.py"):
            parts = path.relative_to(root).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(files: Mapping[str, Path]) -> Imports:
    """Return what each module imports of the packages, inside functions and for type checkers too."""
    return {name: set(_imported(path, files)) - {name} for name, path in files.items()}


def _imported(path: Path, files: Mapping[str, Path]) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in files)
        elif isinstance(node, ast.ImportFrom) and node.module in files:
            for alias in node.names:
                submodule = f"{node.module}.{alias.name}"
                yield submodule if submodule in files else node.module


def rings(graph: Imports, package: str) -> list[set[str]]:
    """Return the rings among the direct children of a package: its files and folders, each folder as a whole."""
    depth = package.count(".") + 2
    children: Imports = defaultdict(set)
    for module, targets in graph.items():
        for target in targets:
            if module.startswith(f"{package}.") and target.startswith(f"{package}."):
                one, other = (".".join(name.split(".")[:depth]) for name in (module, target))
                if one != other:
                    children[one].add(other)
    return [ring for ring in strongly_connected(children) if len(ring) > 1]


def strongly_connected(graph: Imports) -> list[set[str]]:
    """Return the strongly connected components of a graph."""
    reach = {node: _reachable(graph, node) for node in graph}
    found: list[set[str]] = []
    for node in graph:
        component = {node} | {other for other in reach[node] if node in reach.get(other, ())}
        if component not in found:
            found.append(component)
    return found


def _reachable(graph: Imports, start: str) -> set[str]:
    found: set[str] = set()
    left = [start]
    while left:
        for target in graph.get(left.pop(), ()):
            if target not in found:
                found.add(target)
                left.append(target)
    return found


@pytest.fixture(scope="module")
def graph() -> Imports:
    return imports(modules())


def packages() -> list[str]:
    """Return the packages and their folders that hold others."""
    return sorted({name.rpartition(".")[0] for name in modules() if "." in name})


@pytest.mark.parametrize("package", packages())
def test_the_children_of_a_package_import_each_other_in_one_direction(graph: Imports, package: str) -> None:
    found = [sorted(ring) for ring in rings(graph, package)]
    assert not found, found


def test_a_ring_is_found() -> None:
    graph = {"p.a.x": {"p.b"}, "p.b": {"p.c.y"}, "p.c.y": set(), "p.c.z": {"p.a.x"}, "p.d": {"p.a.x"}}
    assert rings(graph, "p") == [{"p.a", "p.b", "p.c"}]
    assert rings(graph, "p.c") == []
    assert rings({"p.a": {"p.b"}, "p.b": {"p.c"}, "p.c": set()}, "p") == []


def test_no_file_has_more_than_300_lines() -> None:
    """A generated module is excepted."""
    lines = {name: path.read_text(encoding="utf-8").count("\n") for name, path in modules().items()}
    generated = {"polykomos_provider.dynamic.resources"}
    long = {name for name, count in lines.items() if count > 300 and not name.endswith(("_pb2", "_pb2_grpc"))}
    assert long - generated == set()
