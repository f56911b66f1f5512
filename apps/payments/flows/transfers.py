"""Transfers between merchants: one call, guarded, never below zero."""

from typing import Any
from uuid import UUID

from apps.core import clock
from apps.core.flow import Flow, Sql
from apps.core.ids import decode, encode, new_id
from apps.idempotency.domain import Answer, RequestKey
from apps.idempotency.flows import claimed
from apps.merchants.domain import Caller
from apps.merchants.flows import exists
from apps.payments.domain import expansion, postings, requests
from apps.payments.domain.rows import BalanceTransaction, Transfer
from apps.payments.errors import BalanceInsufficient, ReferenceMissing, TransferToSelf
from apps.payments.flows.asking import request_of
from apps.payments.flows.telling import Telling, encoded, told
from apps.payments.renderers import objects

Json = dict[str, Any]


def create_transfer(caller: Caller, key: RequestKey, body: requests.CreateTransfer) -> Flow[Answer]:
    """`amount` leaves the caller's available balance and is in the destination's, at once.

    Posts: transfer.  Emits: transfer.created.  Raises: BalanceInsufficient, ReferenceMissing, TransferToSelf,
    IdempotencyKey…
    """
    expand = expansion.wanted(body.expand, "transfer")
    destination = decode("acct", body.destination, "destination")
    if destination == caller.merchant_id:
        raise TransferToSelf(param="destination")
    if not (yield from exists(destination)):
        raise ReferenceMissing(kind="destination", id=body.destination, param="destination")
    transfer = _transfer(caller, body, destination)
    paid, received = _transactions(transfer)
    request = request_of(caller, key, transfer.id, expand=expand)
    telling = Telling({"transfer": transfer})
    text = encoded(objects.transfer(transfer, transaction=paid)) if expand else telling.text("transfer")
    answer = Answer(200, text.encode(), kept=True)
    command = {
        "key": request.key,
        "transfer": transfer,
        "transactions": [paid, received],
        "entry": _entry(transfer, paid),
        **told(telling.events([("transfer.created", "transfer")], request, now=transfer.created), answer),
    }
    outcome = yield from claimed(lambda: Sql("payments_transfer", command))
    if isinstance(outcome, Answer):
        return outcome
    if "error" in outcome:
        raise _refusal(outcome, transfer)
    return answer


def _transfer(caller: Caller, body: requests.CreateTransfer, destination: UUID) -> Transfer:
    return Transfer(
        id=new_id(),
        merchant_id=caller.merchant_id,
        livemode=caller.livemode,
        created=clock.now(),
        destination_id=destination,
        balance_transaction_id=new_id(),
        amount=body.amount,
        currency=body.currency,
        description=body.description,
        metadata={name: value for name, value in (body.metadata or {}).items() if value != ""},
        transfer_group=body.transfer_group,
    )


def _transactions(transfer: Transfer) -> tuple[BalanceTransaction, BalanceTransaction]:
    """The payer's and the receiver's side of one ledger entry."""
    entry_id, today = new_id(), clock.today()

    def side(id: UUID, merchant_id: UUID, type_: Any, amount: int) -> BalanceTransaction:
        return BalanceTransaction(
            id=id,
            merchant_id=merchant_id,
            livemode=transfer.livemode,
            created=transfer.created,
            type=type_,
            amount=amount,
            net=amount,
            currency=transfer.currency,
            available_on=today,
            released=True,
            source=encode("tr", transfer.id),
            entry_id=entry_id,
            description=transfer.description,
        )

    paid = side(transfer.balance_transaction_id, transfer.merchant_id, "transfer", -transfer.amount)
    return paid, side(new_id(), transfer.destination_id, "payment", transfer.amount)


def _entry(transfer: Transfer, paid: BalanceTransaction) -> Json:
    book = postings.Book(transfer.merchant_id, transfer.livemode, transfer.currency)
    moved = postings.transfer(book, destination=transfer.destination_id, amount=transfer.amount)
    return postings.entry("transfer", id=paid.entry_id, source=paid.source, livemode=transfer.livemode, postings=moved)


def _refusal(outcome: Json, transfer: Transfer) -> Exception:
    if outcome["error"] == "insufficient_funds":
        return BalanceInsufficient(param="amount", currency=transfer.currency.upper())
    return RuntimeError(f"the ledger refused a transfer: {outcome}")
