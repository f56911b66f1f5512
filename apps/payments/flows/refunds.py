"""Refunds: read the charge, begin (hold the merchant's money), ask, record."""

import time
from typing import Any
from uuid import UUID

from django.conf import settings
from msgspec import structs

from apps.core import clock
from apps.core.errors import InvalidRequest, ParameterMissing
from apps.core.flow import Flow, Sql
from apps.core.ids import decode, encode, new_id
from apps.idempotency.domain import Answer, RequestKey
from apps.idempotency.errors import IdempotencyKeyInUse
from apps.idempotency.flows import claimed
from apps.merchants.domain import Caller
from apps.payments import gateways
from apps.payments.domain import expansion, postings, refunds, requests, rows, schedule
from apps.payments.domain.refunds import HeldRefund, SettledRefund
from apps.payments.domain.replies import Reply
from apps.payments.domain.rows import Attempt, BalanceTransaction, Charge, Intent, Refund
from apps.payments.errors import IntentBusy, ReferenceMissing
from apps.payments.flows import beginning, reading
from apps.payments.flows.asking import Request, ask, asked_of, request_of
from apps.payments.flows.telling import Telling, encoded, stored
from apps.payments.flows.terms import TRIES, terms
from apps.payments.renderers import objects

Json = dict[str, Any]


def create_refund(caller: Caller, key: RequestKey, body: requests.CreateRefund) -> Flow[Answer]:
    """The customer gets the amount back, out of the merchant's available and then pending money.

    Posts: refund (on hold meanwhile).  Emits: refund.created, refund.updated, charge.refunded, refund.failed.
    Raises: ReferenceMissing, ChargeNotRefundable, ChargeAlreadyRefunded, AmountTooLarge, BalanceInsufficient,
    IdempotencyKey…
    """
    expand = expansion.wanted(body.expand, "refund")
    for _ in range(TRIES):
        charge = yield from _charge(caller, body)
        command, request = _command(caller, key, body, charge, expand)
        begun_at = time.monotonic()
        outcome = yield from claimed(lambda: Sql("payments_refund_begin", command))  # noqa: B023  (sent before the next round)
        if isinstance(outcome, Answer):
            return outcome
        if "claim" in outcome:
            return (yield from _resume(UUID(outcome["claim"]["object_id"]), request))
        if "ok" in outcome:
            return (yield from _asked_and_recorded(outcome["ok"], request, begun_at=begun_at))
        if outcome["error"] != "stale":
            raise _refusal(outcome, body, charge)
    raise IntentBusy(kind="charge")


def _charge(caller: Caller, body: requests.CreateRefund) -> Flow[Charge]:
    """The charge that is to be refunded, as it is now.  Raises: ParameterMissing, ReferenceMissing."""
    if body.charge is not None:
        charge: Charge | None = yield from reading.owned(Charge, caller, decode("ch", body.charge, "charge"))
        if charge is None:
            raise ReferenceMissing(kind="charge", id=body.charge, param="charge")
        if body.payment_intent is not None and decode("pi", body.payment_intent, "payment_intent") != charge.intent_id:
            raise InvalidRequest(param="payment_intent", reason="the charge belongs to another one.")
        return charge
    if body.payment_intent is None:
        raise ParameterMissing(param="charge")
    return (yield from _latest_charge(caller, body.payment_intent))


def _latest_charge(caller: Caller, payment_intent: str) -> Flow[Charge]:
    intent = yield from reading.owned(Intent, caller, decode("pi", payment_intent, "payment_intent"))
    if intent is None:
        raise ReferenceMissing(kind="payment_intent", id=payment_intent, param="payment_intent")
    if intent.latest_charge_id is None:
        raise InvalidRequest(param="payment_intent", reason="it has no charge that could be refunded.")
    latest: Charge = yield from reading.owned(Charge, caller, intent.latest_charge_id)
    return latest


def _command(caller: Caller, key: RequestKey, body: requests.CreateRefund, charge: Charge, expand: frozenset[str]) -> tuple[Json, Request]:
    """The begin, with the refund as it will be if the charge is still as it was read."""
    now, attempt_id = clock.now(), new_id()
    request = request_of(caller, key, attempt_id, expand=expand)
    refund = Refund(
        id=new_id(),
        merchant_id=caller.merchant_id,
        livemode=caller.livemode,
        created=now,
        charge_id=charge.id,
        intent_id=charge.intent_id,
        attempt_id=attempt_id,
        # Where nothing is left, the database says so before it looks at the amount.
        amount=body.amount or max(charge.refundable, 1),
        currency=charge.currency,
        reason=body.reason,
        metadata={name: value for name, value in (body.metadata or {}).items() if value != ""},
        available_hold_id=new_id(),
        pending_hold_id=new_id(),
    )
    book = postings.Book(caller.merchant_id, caller.livemode, charge.currency)
    telling = Telling({"refund": refund})
    attempt = {"id": attempt_id, "gateway": gateways.DEFAULT, "created": now, "request": rows.columns(request)}
    return {
        "key": key.claim(attempt_id),
        "merchant_id": caller.merchant_id,
        "livemode": caller.livemode,
        "charge_id": charge.id,
        "charge_version": charge.version,
        "asked": body.amount,
        "refund": refund,
        "attempt": attempt,
        "accounts": {"available": book.own("available"), "pending": book.own("pending"), "source": encode("re", refund.id)},
        "first_look_s": schedule.LOOKS_S[0],
        "last_byte_s": schedule.last_byte_s(settings.GATEWAY_DEADLINE_S),
        "events": telling.events([("refund.created", "refund")], request, now=now),
    }, request


def _refusal(outcome: Json, body: requests.CreateRefund, charge: Charge) -> Exception:
    id = encode("ch", charge.id)
    return beginning.refusal(
        outcome, "confirm", param="amount", asked=body.amount, currency=charge.currency, charge=id, kind="charge", id=id
    )


def held_of(found: Json) -> HeldRefund:
    """The rows of a refund that a write function gave back."""
    return HeldRefund(
        attempt=rows.read(Attempt, found["attempt"]),
        refund=rows.read(Refund, found["refund"]),
        charge=rows.read(Charge, found["charge"]),
    )


def _asked_and_recorded(found: Json, request: Request, *, begun_at: float) -> Flow[Answer]:
    held = held_of(found)
    reply = yield from ask(held.attempt, asked_of(held.attempt, None, None), begun_at=begun_at)
    return (yield from settle_refund(held, reply, request))


def _resume(attempt_id: UUID, request: Request) -> Flow[Answer]:
    """Goes on from a refund whose owner died, with the same reference."""
    begun_at = time.monotonic()
    command = {"attempt_id": attempt_id, "last_byte_s": schedule.last_byte_s(settings.GATEWAY_DEADLINE_S)}
    found = (yield Sql("payments_resume", command))["ok"]
    if not found.get("attempt"):
        raise IdempotencyKeyInUse()
    if found["send"]:
        answer = yield from _asked_and_recorded(found, request, begun_at=begun_at)
        return structs.replace(answer, kept=False)  # the owner may have been first after all
    held = held_of(found)
    return Answer(200, encoded((yield from _document(held.refund, held.charge, None, request))).encode())


def settle_refund(held: HeldRefund, reply: Reply, request: Request, *, window_s: int | None = None) -> Flow[Answer]:
    """As `settling.settle`, for a refund.

    Posts: refund, or releases the hold.  Emits: charge.refunded, refund.updated, refund.failed.
    """
    for _ in range(TRIES):
        now = yield from terms(held.refund.merchant_id, held.refund.currency)
        settled = refunds.settle(held, reply, now)
        telling = Telling({"refund": settled.refund, "charge": settled.charge})
        answer = yield from _answer(settled, request, telling)
        events = telling.events(settled.events, request, now=now.now)
        command = {**_record(held, settled), "key": request.key, "events": events, "answer": stored(answer), "window_s": window_s}
        outcome = yield Sql("payments_refund_record", command)
        if "ok" in outcome:
            return answer
        held = held_of(outcome["held"])
        if outcome["error"] in ("settled", "unfounded"):
            return (yield from _as_it_stands(outcome, held, request))
    raise IntentBusy(kind="refund")


def _record(held: HeldRefund, settled: SettledRefund) -> Json:
    refund = settled.refund
    return {
        "attempt": rows.changes(settled.attempt),
        "charge_id": settled.charge.id,
        "charge_version": held.charge.version,
        "refund_id": refund.id,
        "refund_version": held.refund.version,
        "refund": refund if refund != held.refund else None,
        "charge": settled.charge if settled.charge != held.charge else None,
        "transaction": settled.transaction,
        "entry": settled.entry,
        "restore": refund.draws if refund.status == "failed" else [],
    }


def _answer(settled: SettledRefund, request: Request, telling: Telling) -> Flow[Answer]:
    if not request.expand:
        return Answer(200, telling.text("refund").encode(), kept=True)
    document = yield from _document(settled.refund, settled.charge, settled.transaction, request)
    return Answer(200, encoded(document).encode(), kept=True)


def _document(refund: Refund, charge: Charge, transaction: BalanceTransaction | None, request: Request) -> Flow[Json]:
    """The refund with what the request expands."""
    intent = None
    if "payment_intent" in request.expand:
        intent = yield from reading.one(Intent, refund.intent_id)
    if "balance_transaction" in request.expand and transaction is None and refund.balance_transaction_id is not None:
        transaction = yield from reading.one(BalanceTransaction, refund.balance_transaction_id)
    return objects.refund(
        refund,
        charge=charge if "charge" in request.expand else None,
        intent=intent,
        transaction=transaction if "balance_transaction" in request.expand else None,
    )


def _as_it_stands(outcome: Json, held: HeldRefund, request: Request) -> Flow[Answer]:
    if outcome["answer"]:
        return Answer(outcome["answer"]["status"], outcome["answer"]["body"].encode(), kept=True)
    document = yield from _document(held.refund, held.charge, None, request)
    return Answer(200, encoded(document).encode())
