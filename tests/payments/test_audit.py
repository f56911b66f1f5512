"""The audit finds nothing in honest rows, and whatever was tampered with."""

from datetime import date

import psycopg
import pytest
from django.conf import settings

from apps.payments import services
from apps.payments.audit import CHECKS
from tests.factories import new_merchant
from tests.payments.shop import Shop

# What the hand of a database owner changes, what undoes it, and the check that sees it.
TAMPERINGS = {
    "a refund vanishes from its charge": (
        "UPDATE payments_charge SET amount_refunded = 0 WHERE amount_refunded > 0",
        "UPDATE payments_charge SET amount_refunded = 1000 WHERE amount_captured = 2000",
        "nothing is captured beyond",
    ),
    "an intent claims more": (
        "UPDATE payments_intent SET amount_received = amount_received - 1 WHERE status = 'succeeded'",
        "UPDATE payments_intent SET amount_received = amount_received + 1 WHERE status = 'succeeded'",
        "intents say what",
    ),
    "a balance transaction grows": (
        "UPDATE payments_balance_transaction SET amount = amount + 1, net = net + 1 WHERE type = 'charge'",
        "UPDATE payments_balance_transaction SET amount = amount - 1, net = net - 1 WHERE type = 'charge'",
        "every balance transaction",
    ),
    "a balance transaction forgets its entry": (
        "UPDATE payments_balance_transaction SET source = source || 'x'",
        "UPDATE payments_balance_transaction SET source = left(source, -1)",
        "every capture, refund and transfer",
    ),
    "funds vanish": (
        "UPDATE payments_funds SET remaining = remaining - 1 WHERE remaining > 0",
        "UPDATE payments_funds SET remaining = remaining + 1 WHERE remaining > 0",
        "what payments have pending",
    ),
    "a transfer gives more than it takes": (
        "UPDATE payments_transfer SET amount = amount + 1",
        "UPDATE payments_transfer SET amount = amount - 1",
        "a transfer takes from one",
    ),
    "an answered request was about nothing": (
        'UPDATE idempotency_record SET object_id = NULL, body = replace(body, \'{"id":"pi_0\', \'{"id":"pi_1\')',
        'UPDATE idempotency_record SET body = replace(body, \'{"id":"pi_1\', \'{"id":"pi_0\')',
        "what was answered",
    ),
    "an attempt is left alone": (
        "UPDATE payments_attempt SET state = 'started', next_look_at = now(), started_at = now() - interval '1 hour' WHERE kind = 'void'",
        "UPDATE payments_attempt SET state = 'succeeded', next_look_at = NULL WHERE kind = 'void'",
        "no attempt is left",
    ),
}


def broken() -> set[str]:
    return {check.name for check in CHECKS if check.offenders()}


def as_owner(statement: str) -> None:
    with psycopg.connect(settings.DATABASE_OWNER_DSN, autocommit=True) as owner:
        owner.execute("ALTER TABLE payments_attempt DISABLE TRIGGER USER")
        owner.execute(statement)


@pytest.mark.slow
def test_the_audit_finds_what_was_tampered_with_and_nothing_else(scratch_database: str, sandbox: str) -> None:
    shop = Shop(new_merchant())
    shop.pay(20_000)
    services.release_funds(due=date(2190, 1, 1))
    shop.transfer(Shop(new_merchant()), 100)
    shop.refund(shop.pay(2_000), amount=1_000)
    shop.cancel(shop.hold())
    shop.hold(3_000)
    assert broken() == set()
    for change, undo, name in TAMPERINGS.values():
        as_owner(change)
        assert any(found.startswith(name) for found in broken()), name
        as_owner(undo)
    assert broken() == set()
