"""What the database refuses whoever writes: caps, final states, lone attempts, deletions."""

import psycopg
import pytest
from django.db import Error, IntegrityError, ProgrammingError

from apps.core import db
from tests.payments.shop import Shop


def refused(statement: str, *params: object) -> Error:
    with pytest.raises(Error) as error:
        db.query(statement + " RETURNING 1", params)
    return error.value


def test_more_than_the_authorisation_cannot_be_captured(shop: Shop) -> None:
    shop.hold()
    charge = shop.rows("payments_charge")[0]["id"]
    assert isinstance(refused("UPDATE payments_charge SET amount_captured = amount + 1 WHERE id = %s", charge), IntegrityError)


def test_more_than_the_capture_cannot_be_refunded(shop: Shop) -> None:
    shop.pay()
    charge = shop.rows("payments_charge")[0]["id"]
    for column in ("amount_refunded", "amount_refund_pending"):
        assert isinstance(refused(f"UPDATE payments_charge SET {column} = 10001 WHERE id = %s", charge), IntegrityError)


def test_refunds_are_counted_from_the_refunds_themselves(shop: Shop) -> None:
    intent = shop.pay()
    shop.pay()
    shop.refund(intent, amount=6_000)
    columns = (
        "merchant_id, livemode, created, charge_id, intent_id, attempt_id, amount, currency, metadata, from_available, from_pending, draws"
    )
    copy = (
        f"INSERT INTO payments_refund (id, version, status, {columns})"
        f" SELECT uuidv7(), 1, 'pending', {columns} FROM payments_refund WHERE merchant_id = %s"
    )
    assert "payments_refund_cap" in str(refused(copy, shop.merchant.id).__cause__.diag.constraint_name)
    assert len(shop.rows("payments_refund")) == 1


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("payments_intent", "status = 'requires_capture'"),
        ("payments_attempt", "state = 'started', next_look_at = now()"),
        ("payments_charge", "captured = false, amount_captured = 0, balance_transaction_id = NULL"),
        ("payments_refund", "status = 'pending', balance_transaction_id = NULL"),
    ],
)
def test_what_is_final_does_not_go_back(shop: Shop, table: str, change: str) -> None:
    shop.refund(shop.pay(), amount=1_000)
    assert isinstance(refused(f"UPDATE {table} SET {change} WHERE merchant_id = %s", shop.merchant.id), IntegrityError)


def test_an_intent_has_one_live_attempt(shop: Shop, faults, impatient) -> None:
    shop.pay(method="pm_card_timeoutNoCharge")
    owned = "merchant_id, livemode, created, intent_id, kind, gateway"
    columns = f"{owned}, amount, currency, capture, off_session, request, sent_until, next_look_at"
    copy = (
        f"INSERT INTO payments_attempt (id, state, {columns})"
        f" SELECT uuidv7(), 'started', {columns} FROM payments_attempt WHERE merchant_id = %s"
    )
    assert isinstance(refused(copy, shop.merchant.id), IntegrityError)


@pytest.mark.parametrize("table", ["intent", "attempt", "charge", "refund", "customer", "transfer", "balance_transaction", "funds"])
def test_the_application_cannot_delete_or_empty(shop: Shop, table: str) -> None:
    for statement in (f"DELETE FROM payments_{table}", f"TRUNCATE payments_{table} CASCADE"):
        with pytest.raises(ProgrammingError) as error:
            db.query(statement)
        assert isinstance(error.value.__cause__, psycopg.errors.InsufficientPrivilege)
