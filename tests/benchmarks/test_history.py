"""A history that a benchmark runs on is one that the product could have left behind."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.conf import settings

from apps.core import db
from apps.core.flow import run
from apps.merchants import flows
from apps.merchants.domain import hashed
from benchmarks import history
from benchmarks.history import loading, payments
from benchmarks.history.payments import Plan
from config.management.commands.audit import all_checks

UNTIL = datetime.combine(datetime.now(UTC).date(), datetime.min.time(), UTC)
PLAN = Plan(history.SEED, 700, UNTIL - timedelta(days=365), UNTIL, UNTIL - timedelta(days=30), chunk=300)


@pytest.fixture(scope="module")
def owner(own_database: str):
    with psycopg.connect(settings.DATABASE_OWNER_DSN, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def loaded(owner) -> None:
    """Killed after its first chunk, and started again."""
    plan, done = loading.resumed(owner, PLAN)
    loading.make_ready(owner, plan)
    loading.writing.write(owner, list(payments.lines(plan, done)), done)
    loading.load(owner, *loading.resumed(owner, PLAN))


def test_a_history_keeps_every_promise_of_the_audit(loaded: None) -> None:
    assert {check.name: check.offenders() for _, check in all_checks() if check.offenders()} == {}


def test_an_interrupted_load_writes_every_payment_once(loaded: None, owner) -> None:
    assert loading.resumed(owner, PLAN) == (PLAN, 3)
    written = db.query("SELECT count(*) AS all, count(*) FILTER (WHERE status = 'succeeded') AS paid FROM payments_intent")[0]
    captures = db.query("SELECT count(*) AS n FROM ledger_entry WHERE kind = 'capture'")[0]["n"]
    assert (written["all"], written["paid"]) == (700, captures)
    assert 580 < captures < 680


def test_money_that_was_due_is_available(loaded: None) -> None:
    found = db.query("SELECT name, sum(posted) AS total FROM ledger_account a JOIN ledger_balance b ON b.account_id = a.id GROUP BY name")
    totals = {row["name"]: row["total"] for row in found}
    assert totals["gateway_receivable.sandbox"] == totals["fees"] + totals["pending"] + totals["available"]
    assert totals["available"] > 10 * totals["pending"] > 0


def test_the_same_seed_makes_the_same_payments() -> None:
    assert list(payments.lines(PLAN, 1)) == list(payments.lines(PLAN, 1)) != list(payments.lines(PLAN, 2))


def test_what_is_to_be_read_is_of_the_largest_merchant_and_alike(loaded: None) -> None:
    targets = history.targets()
    (key,) = run(flows.look_up_keys([hashed(targets.keys[0])])).values()
    kinds = db.query(
        "SELECT amount, status, customer_id IS NULL AS alone, latest_charge_id IS NULL AS free FROM payments_intent"
        " WHERE merchant_id = %s GROUP BY 1, 2, 3, 4",
        [key["merchant_id"]],
    )
    assert kinds == [{"amount": 1999, "status": "succeeded", "alone": False, "free": False}]
    assert len(targets.accounts) == len(targets.keys) - 1
    assert 50 < len(targets.intents) <= 200
    assert targets.intents == sorted(set(targets.intents))


def test_another_history_is_refused_where_there_is_one(loaded: None, owner) -> None:
    with pytest.raises(SystemExit, match="needs another database"):
        loading.resumed(owner, Plan(2, 700, PLAN.begins, PLAN.until, PLAN.recent_from, 300))
