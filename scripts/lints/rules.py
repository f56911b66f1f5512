"""The rules. Each opens with the bug that it prevents."""

import ast
import re
from collections.abc import Iterator

from scripts.lints.base import Source

Hit = Iterator[tuple[int, str]]

_SESSION_STATE = re.compile(
    # A SET that begins a statement: not an UPDATE's, nor a function's own, which ends with the function.
    r"pg_(?:try_)?advisory_(?:un)?lock(?:_shared|_all)?\b|\bLISTEN [a-z_]+;|\bset_config\([^()]*,\s*false\)"
    r"|\bCREATE TEMP(?:ORARY)?\b|\bWITH HOLD\b|\.iterator\(|\.cursor\(name="
    r"|(?:\A|;|\bBEGIN|\bTHEN|\bLOOP|\bELSE|[\"'])\s*SET (?!LOCAL|CONSTRAINTS)\w+ ?(?:=|TO\b)"
)
_CLOCKS = {("timezone", "now"), ("datetime", "now"), ("datetime", "utcnow"), ("date", "today")}
_PRODUCT = ("apps/", "config/", "celery_app.py")


def session_state(source: Source) -> Hit:
    """Through a transaction pooler a session's locks, settings and LISTENs belong to whoever gets the
    connection next: 23 of 30 session locks leaked in a test. Only transaction-level forms are used."""
    if source.is_test or source.path.startswith(("scripts/", "devservices/", "docs/")):
        return
    for found in _SESSION_STATE.finditer(source.text):
        yield source.text.count("\n", 0, found.start()) + 1, f"{found.group().strip()!r} outlives its transaction"


def one_clock(source: Source) -> Hit:
    """A `created` by the machine's clock and a `booked_on` by the platform's put one payment into two
    months. Business time is `core.clock`; leases and due times are the database's clock."""
    if not source.is_python or not source.path.startswith("apps/") or source.path == "apps/core/clock.py":
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
            if (node.func.value.id, node.func.attr) in _CLOCKS:
                yield node.lineno, f"{node.func.value.id}.{node.func.attr}() is not business time: use core.clock"


def no_enqueue_in_services(source: Source) -> Hit:
    """`on_commit(task.delay)` loses the work when the broker is down or the process dies after the
    commit. Services write an event; the relay and sweepers enqueue from rows that are committed."""
    if source.room not in {"services", "selectors", "flows", "domain", "models", "api"}:
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute) and node.attr in {"delay", "apply_async", "delay_on_commit", "send_task"}:
            yield node.lineno, f".{node.attr} outside tasks and the relay"


def constant_time(source: Source) -> Hit:
    """`==` on a signature leaks, by its timing, how much of a guess was right."""
    if not source.is_python or source.is_test:
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq | ast.NotEq):
            names = {child.id for child in ast.walk(node) if isinstance(child, ast.Name)}
            if names & {"signature", "expected_signature", "mac"}:
                yield node.lineno, "compare signatures with hmac.compare_digest"


def no_mark_safe(source: Source) -> Hit:
    """A merchant named `<script>` runs in the finance team's browser."""
    if source.is_python and source.path.startswith(_PRODUCT) and "mark_safe" in source.text:
        line = next(number for number, text in enumerate(source.lines, 1) if "mark_safe" in text)
        yield line, "escape with format_html instead"


def no_counting(source: Source) -> Hit:
    """COUNT(*) reads every row: a list that counts is fast on the first day and times out in a year."""
    if source.room not in {"api", "selectors", "admin"}:
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute) and node.attr == "count" and not (isinstance(node.value, ast.Constant | ast.Name)):
            yield node.lineno, ".count() scans; ask for one row more than the page"


def sizes(source: Source) -> Hit:
    """What does not fit a screen is not read before it is changed."""
    if not source.is_python or "/migrations/" in source.path:
        return
    if len(source.lines) > 400:
        yield 1, f"{len(source.lines)} lines in a file (400 at most): split it by what it does"
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (node.end_lineno or 0) - node.lineno >= 60:
            yield node.lineno, f"{node.name} has {(node.end_lineno or 0) - node.lineno + 1} lines (60 at most)"


def tests_can_fail(source: Source) -> Hit:
    """A test without an assertion passes whatever the code does."""
    if not source.is_test or not source.is_python:
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_") and not _asserts(node):
            yield node.lineno, f"{node.name} asserts nothing"


def _asserts(test: ast.AST) -> bool:
    for node in ast.walk(test):
        if isinstance(node, ast.Assert):
            return True
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in {
                "raises",
                "refuse",
                "refused",
                "verify",
                "construct_event",
                "django_assert_max_num_queries",
                "django_assert_num_queries",
            } or name.startswith(("assert_", "_assert", "check_", "expect_")):
                return True
    return False


def no_utils(source: Source) -> Hit:
    """A room named `utils` has no rule for what belongs in it, so everything ends up there."""
    if source.path.rsplit("/", 1)[-1] in {"utils.py", "helpers.py", "misc.py", "common.py"}:
        yield 1, "name the file after what it does"


def keyword_only_services(source: Source) -> Hit:
    """`move(a, b, 100)` with two arguments swapped moves money the wrong way and type-checks."""
    if source.room != "services" or not source.is_python:
        return
    for node in source.tree.body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_") and len(node.args.args) > 1:
            yield node.lineno, f"{node.name} takes {len(node.args.args)} positional arguments: make all but the first keyword-only"


_CACHED = re.compile(r"\b(?:UPDATE|INSERT INTO|DELETE FROM|MERGE INTO)\s+(?:ONLY\s+)?merchants_(?:merchant|pricing_plan|pricing_rate)\b")


def cached_tables(source: Source) -> Hit:
    """A price changed by raw SQL is told to nobody: for minutes some processes charge the old one. Models
    whose rows are cached are written through `CachedModel`, which tells every process."""
    if not source.path.startswith(_PRODUCT) or "/migrations/" in source.path:
        return
    for found in _CACHED.finditer(source.text):
        yield source.text.count("\n", 0, found.start()) + 1, f"{found.group()!r} is told to nobody: write through the model"


RULES = {
    "session-state": session_state,
    "one-clock": one_clock,
    "no-enqueue-in-services": no_enqueue_in_services,
    "constant-time": constant_time,
    "no-mark-safe": no_mark_safe,
    "no-counting": no_counting,
    "sizes": sizes,
    "tests-can-fail": tests_can_fail,
    "no-utils": no_utils,
    "keyword-only-services": keyword_only_services,
    "cached-tables": cached_tables,
}
