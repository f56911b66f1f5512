"""Money that is due becomes available."""

from datetime import date
from typing import Any, cast

from django.db import transaction

from apps.core import db
from apps.core.ids import new_id
from apps.payments.domain import postings
from apps.payments.models import BalanceTransaction, Funds

BATCH = 500


def release_funds(*, due: date, batch: int = BATCH) -> int:
    """Everything whose day is `due` or before has moved from pending to available, once; returns how
    many payments' funds moved. Callers at once share the work.

    Locks: funds (oldest first, SKIP LOCKED), the ledger's accounts.  Posts: release.
    """
    moved = 0
    while True:
        with transaction.atomic(durable=True):
            found = _due(due, batch)
            moved += _release(found)
        if len(found) < batch:
            return moved


def _due(due: date, batch: int) -> list[Funds]:
    rows = Funds.objects.filter(remaining__gt=0, available_on__lte=due).select_related("balance_transaction")
    return list(rows.select_for_update(no_key=True, skip_locked=True, of=("self",)).order_by("available_on", "charge_id")[:batch])


def _release(found: list[Funds]) -> int:
    """Posts one entry a payment, then notes that nothing of it is pending any more."""
    if not found:
        return 0
    outcomes = db.call("ledger_post", [_entry(funds) for funds in found])
    refused = [outcome for outcome in outcomes if "error" in outcome]
    if refused:
        raise RuntimeError(f"the ledger refused to release funds: {refused[0]}")
    ids = [funds.charge_id for funds in found]
    db.query("UPDATE payments_funds SET remaining = 0, releases = releases + 1 WHERE charge_id = ANY(%s) RETURNING charge_id", [ids])
    transactions = [funds.balance_transaction_id for funds in found]
    db.query(
        "UPDATE payments_balance_transaction SET released = true, version = version + 1 WHERE id = ANY(%s) AND NOT released RETURNING id",
        [transactions],
    )
    return len(found)


def _entry(funds: Funds) -> dict[str, Any]:
    book = postings.Book(funds.merchant_id, funds.livemode, funds.currency)
    moved = postings.release(book, amount=funds.remaining)
    source = cast(BalanceTransaction, funds.balance_transaction).source
    return postings.entry("release", id=new_id(), source=source, livemode=funds.livemode, sequence=funds.releases, postings=moved)
