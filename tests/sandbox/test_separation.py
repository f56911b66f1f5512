"""The sandbox is the judge of the product, so neither may lean on the other's code."""

import ast

import pytest

from tests.sandbox.process import ROOT


def _imports(folder):
    for path in sorted((ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                yield from ((path, alias.name.split(".")[0]) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield path, node.module.split(".")[0]


@pytest.mark.parametrize(("folder", "foreign"), [("sandbox", {"apps", "config", "django"}), ("apps", {"sandbox"}), ("config", {"sandbox"})])
def test_the_sandbox_and_the_product_import_nothing_of_each_other(folder, foreign):
    found = list(_imports(folder))
    assert found
    assert [(path, name) for path, name in found if name in foreign] == []
