"""What belongs to one room and is refused in another. Each rule opens with the bug that it prevents."""

import ast
import re
from collections.abc import Iterator

from scripts.lints.base import Source

Hit = Iterator[tuple[int, str]]
_Function = ast.FunctionDef | ast.AsyncFunctionDef

_PRODUCT = ("apps/", "config/")
_TOLD = {"services", "selectors", "flows", "api"}
_HTTP = {"get", "post", "put", "patch", "delete"}
_BOOKS = re.compile(r"\b(?:INSERT INTO|UPDATE|DELETE FROM|MERGE INTO|TRUNCATE)\s+(?:ONLY\s+)?ledger_\w+", re.IGNORECASE)
_SQL = re.compile(r"\b(?:SELECT|INSERT INTO|DELETE FROM|FROM \w+|WHERE|SET LOCAL|ORDER BY)\b|\bUPDATE \w+ SET\b")


def no_queries_in_views(source: Source) -> Hit:
    """A view that asks the ORM by itself forgets the merchant's condition, or what is shown beside the row: somebody else's payment
    is shown, or a query a row is made. Views narrow what a selector gives them."""
    if source.room != "api":
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute) and (
            node.attr in {"objects", "_default_manager", "_base_manager"}
            or (isinstance(node.value, ast.Name) and node.value.id in {"db", "connection"} and node.attr in {"query", "call", "cursor"})
        ):
            yield node.lineno, f".{node.attr} in a view: ask a selector or a service"


def one_door_to_the_books(source: Source) -> Hit:
    """A posting that did not come through `ledger_post` has no other half: the trial balance is off by it, and nobody knows since when."""
    if not source.path.startswith(_PRODUCT) or source.path.startswith("apps/ledger/"):
        return
    for found in _BOOKS.finditer(source.text):
        yield source.text.count("\n", 0, found.start()) + 1, f"{' '.join(found.group().split())}: ledger_post is the one door"
    for node in ast.walk(source.tree) if source.is_python else []:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("apps.ledger.models"):
            yield node.lineno, "the ledger's rows are read by its selectors and written by ledger_post"


def docstrings(source: Source) -> Hit:
    """Who calls a service without knowing what is true afterwards finds out in production: what is None, in which unit, who raises."""
    if (source.room not in _TOLD and not source.path.startswith("apps/core/")) or "/migrations/" in source.path or not source.is_python:
        return
    for node in source.tree.body:
        if isinstance(node, _Function) and not node.name.startswith("_") and not ast.get_docstring(node):
            yield node.lineno, f"{node.name} does not say what is true afterwards"


def described(source: Source) -> Hit:
    """An endpoint that is not described is not in the reference, and its parameters are nobody's promise."""
    if source.room != "api" or not source.is_python:
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef) and node.name in _HTTP and _first_argument(node, 1) == "request":
            if not any(isinstance(mark, ast.Call) and _name(mark.func) == "describe" for mark in node.decorator_list):
                yield node.lineno, f"{node.name} without @describe is not in the reference"


def sql_text(source: Source) -> Hit:
    """A value that is written into a statement's text is run as SQL when somebody wants it to be. Values go beside it; into it go
    constants, numbers (`:d`) and names of columns (`columns_of`)."""
    if not source.is_python or not source.path.startswith(_PRODUCT) or "/migrations/" in source.path:
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.JoinedStr) and _SQL.search(
            "".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))
        ):
            ours = _ours(source.tree, node)
            foreign = [ast.unparse(part.value) for part in node.values if isinstance(part, ast.FormattedValue) and not _is_ours(part, ours)]
            if foreign:
                yield node.end_lineno or 0, f"{', '.join(foreign)} in the text of a statement: make it a parameter"


def _ours(tree: ast.AST, text: ast.AST) -> dict[str, list[ast.expr]]:
    """What is assigned to each name of the function around `text`; nothing to those that it was given."""
    for function in ast.walk(tree):
        if isinstance(function, _Function) and any(node is text for node in ast.walk(function)):
            given: dict[str, list[ast.expr]] = {}
            for node in ast.walk(function):
                if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                    given.setdefault(node.targets[0].id, []).append(node.value)
            for argument in [*function.args.args, *function.args.kwonlyargs]:
                given.pop(argument.arg, None)
            return given
    return {}


def _is_ours(node: ast.AST | None, ours: dict[str, list[ast.expr]]) -> bool:
    """Whether nothing but our own code decides what `node` is."""
    match node:
        case None | ast.Constant():
            return True
        case ast.Name(id=name):
            return name.strip("_").isupper() or (name in ours and all(_is_ours(value, {**ours, name: []}) for value in ours[name]))
        case ast.Attribute(value=ast.Name(id="at"), attr="condition" | "order" | "fetch"):
            return True  # a Keyset's
        case ast.Attribute(attr=name):
            return name.strip("_").isupper()
        case ast.Subscript(value=value):
            return _is_ours(value, {})
        case ast.FormattedValue(format_spec=ast.JoinedStr(values=[ast.Constant(value="d")])):
            return True
        case ast.FormattedValue(value=value):
            return _is_ours(value, ours)
        case ast.IfExp(body=one, orelse=other) | ast.BinOp(left=one, right=other):
            return _is_ours(one, ours) and _is_ours(other, ours)
        case ast.JoinedStr(values=parts):
            return all(_is_ours(part, ours) for part in parts)
        case ast.Call(func=function):
            return _name(function) == "columns_of"
    return False


def _first_argument(function: ast.FunctionDef, place: int) -> str:
    """The name of the argument in this place, counted from 0; empty where there is none."""
    return function.args.args[place].arg if len(function.args.args) > place else ""


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


RULES = {
    "no-queries-in-views": no_queries_in_views,
    "one-door-to-the-books": one_door_to_the_books,
    "docstrings": docstrings,
    "described": described,
    "sql-text": sql_text,
}
