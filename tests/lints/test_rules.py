"""Every house rule finds what it is there for, and leaves alone what is right."""

import pytest

from scripts.lints.base import Source
from scripts.lints.rooms import RULES as ROOMS
from scripts.lints.rules import RULES

ALL = RULES | ROOMS

WRONG = [
    ("session-state", "apps/events/services.py", "cursor.execute('SELECT pg_advisory_lock(1)')"),
    ("session-state", "apps/events/sql/0001_x.sql", "SET statement_timeout = 0;"),
    ("one-clock", "apps/events/services.py", "timezone.now()"),
    ("no-enqueue-in-services", "apps/events/services.py", "task.delay(1)"),
    ("constant-time", "apps/events/domain.py", "signature == given"),
    ("no-mark-safe", "apps/events/admin.py", "mark_safe(name)"),
    ("no-counting", "apps/events/selectors.py", "Event.objects.filter(a=1).count()"),
    ("sizes", "apps/events/domain.py", "def f():\n" + "    a = 1\n" * 60),
    ("sizes", "apps/events/domain.py", "a = 1\n" * 401),
    ("tests-can-fail", "tests/events/test_x.py", "def test_it_works():\n    run()"),
    ("no-utils", "apps/events/utils.py", ""),
    ("keyword-only-services", "apps/events/services.py", "def move(a, b): ..."),
    ("cached-tables", "apps/events/services.py", "cursor.execute('UPDATE merchants_merchant SET a = 1')"),
    ("no-queries-in-views", "apps/payments/api/views/intents.py", "PaymentIntent.objects.get(id=id)"),
    ("no-queries-in-views", "apps/payments/api/hot.py", "db.query('SELECT 1')"),
    ("one-door-to-the-books", "apps/payments/services/funds.py", "x = '''insert into\n ledger_posting VALUES (1)'''"),
    ("one-door-to-the-books", "apps/payments/sql/0099_x.sql", "UPDATE ledger_balance SET posted = 0;"),
    ("one-door-to-the-books", "apps/payments/services/funds.py", "from apps.ledger.models import Posting"),
    ("docstrings", "apps/payments/services/funds.py", "def release_funds(): ..."),
    ("docstrings", "apps/core/flow.py", "async def arun(): ..."),
    ("described", "apps/payments/api/views/money.py", "class A(View):\n    def post(self, request): ..."),
    ("sql-text", "apps/payments/selectors.py", "def f(name): db.query(f\"SELECT 1 WHERE name = '{name}'\")"),
    ("sql-text", "apps/payments/selectors.py", "def f(name):\n    a = name\n    return f'UPDATE t SET a = {a}'"),
    ("sql-text", "apps/payments/selectors.py", "def f(name):\n    a = 'x'\n    a = a + name.lower()\n    return f'SELECT {a}'"),
]
RIGHT = [
    ("no-queries-in-views", "apps/payments/selectors.py", "PaymentIntent.objects.get(id=id)"),
    ("no-queries-in-views", "apps/payments/api/views/intents.py", "found.filter(customer_id=id)"),
    ("one-door-to-the-books", "apps/ledger/sql/0003_door.sql", "INSERT INTO ledger_posting VALUES (1);"),
    ("docstrings", "apps/payments/services/funds.py", "def _release(): ...\ndef f():\n    'The sum.'"),
    ("described", "apps/payments/api/hot.py", "class A(View):\n    async def post(self, request): ..."),
    ("described", "apps/payments/api/views/money.py", "class A(View):\n    @describe('Pay')\n    def post(self, request): ..."),
    ("sql-text", "apps/payments/selectors.py", "_COLUMNS = 'a'\ndef f(n): db.query(f'SELECT {_COLUMNS} WHERE a = %s LIMIT {n:d}', [n])"),
    ("sql-text", "apps/payments/selectors.py", "def f(x):\n    more = 'AND a = %s' if x else ''\n    return f'SELECT 1 WHERE true {more}'"),
    ("sql-text", "apps/payments/domain.py", "def f(name): return f'Dear {name}'"),
]


@pytest.mark.parametrize(("rule", "path", "text"), WRONG)
def test_a_rule_finds_what_it_is_there_for(rule: str, path: str, text: str):
    assert list(ALL[rule](Source(path, text)))


@pytest.mark.parametrize(("rule", "path", "text"), RIGHT)
def test_a_rule_leaves_alone_what_is_right(rule: str, path: str, text: str):
    assert list(ALL[rule](Source(path, text))) == []


def test_every_rule_is_tried():
    assert {rule for rule, _, _ in WRONG} == set(ALL)


def test_a_finding_is_silenced_by_its_name_and_a_reason_only():
    line = "x = 1  # lint: allow {} because {}"
    assert Source("a.py", line.format("sizes", "it is a table")).allows(1, "sizes")
    assert not Source("a.py", line.format("no-utils", "it is a table")).allows(1, "sizes")
    assert not Source("a.py", line.format("sizes", "")).allows(1, "sizes")
