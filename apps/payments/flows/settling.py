"""Recording what a gateway said, whoever asked it: the request itself, its repetition, or recovery."""

from typing import Any

import structlog

from apps.core.flow import Flow, Sql
from apps.core.ids import encode
from apps.idempotency.domain import Answer
from apps.idempotency.flows import settled as answered
from apps.payments.domain import declines, intents, rows
from apps.payments.domain.intents import Held, Settled, Terms
from apps.payments.domain.replies import Reply, unknown
from apps.payments.domain.rows import Attempt, Charge, Customer, Intent, PaymentMethod
from apps.payments.errors import CardDeclined, IntentBusy
from apps.payments.flows.asking import Request, refused_answer
from apps.payments.flows.reading import intent_with
from apps.payments.flows.telling import Telling, encoded, told
from apps.payments.flows.terms import TRIES, terms
from apps.payments.renderers import objects

log = structlog.get_logger(__name__)
Json = dict[str, Any]

FIRST_WAITING_LOOK_S = 5


def held_of(found: Json) -> Held:
    """The rows that a write function returned."""
    return Held(
        attempt=rows.read(Attempt, found["attempt"]),
        intent=rows.read(Intent, found["intent"]),
        charge=rows.read_or_none(Charge, found.get("charge")),
        method=rows.read_or_none(PaymentMethod, found.get("method")),
        customer=rows.read_or_none(Customer, found.get("customer")),
    )


def settle(held: Held, reply: Reply, request: Request, *, claim: bool = False, window_s: int | None = None) -> Flow[Answer]:
    """What `reply` means is committed: state, postings, events and the answer under the request's key.
    `claim`: the key is not claimed yet. `window_s`: the reply is that nothing happened, which the
    database believes only after the gateway's window.

    Posts: capture.  Emits: payment_intent.*, charge.*.  Raises: IntentBusy, IdempotencyKey…
    """
    for _ in range(TRIES):
        now = yield from terms(held.intent.merchant_id, held.intent.currency)
        settled = intents.settle(held, reply, now)
        command, answer = yield from _prepared(held, settled, request, now)
        outcome = yield Sql("payments_record", {**command, "claim": claim, "window_s": window_s})
        if "ok" in outcome:
            return answer
        if "claim" in outcome:
            return _claimed_by_another(outcome["claim"])
        if outcome["error"] in ("settled", "unfounded"):
            return (yield from as_it_stands(outcome, request))
        if outcome["error"] == "ledger":
            # The gateway did it, the books cannot take it now: recovery asks again, and books it then.
            log.error("payment.not_booked", attempt=encode("att", held.attempt.id), reason=outcome["reason"])
            reply = unknown("not booked")
        held = held_of(outcome["held"])
    raise IntentBusy(kind="payment intent")


def _prepared(held: Held, settled: Settled, request: Request, now: Terms) -> Flow[tuple[Json, Answer]]:
    """The record command and the answer that it stores."""
    intent, charge = settled.intent, settled.charge
    telling = Telling({"intent": intent, "charge": charge})
    answer = yield from _answer(settled, held.customer, request, telling)
    changed = intent.version != held.intent.version
    command = {
        "key": request.key,
        "attempt": rows.changes(settled.attempt),
        "look_s": FIRST_WAITING_LOOK_S if settled.attempt.state == "waiting" != held.attempt.state else None,
        "intent_id": intent.id,
        "intent_version": held.intent.version,
        "intent": rows.changes(intent) if changed else None,
        "charge": charge if charge and charge != held.charge else None,
        "method": settled.method if settled.method and settled.method != held.method else None,
        "transaction": settled.transaction,
        "funds": settled.funds,
        "entry": settled.entry,
        **told(telling.events(settled.events, request, now=now.now), answer),
    }
    return command, answer


def _answer(settled: Settled, customer: Customer | None, request: Request, telling: Telling) -> Flow[Answer]:
    """The intent as it will be; or, after a refusal, the error with the intent in it."""
    intent = settled.intent
    if request.expand or settled.refusal:
        known = {"customer": customer, "method": settled.method, "charge": settled.charge, "transaction": settled.transaction}
        document = yield from intent_with(intent, frozenset(request.expand), **known)
    if settled.refusal is None:
        return Answer(200, (encoded(document) if request.expand else telling.text("intent")).encode(), kept=True)
    return declined_answer(document, settled, request)


def declined_answer(document: Any, settled: Settled, request: Request) -> Answer:
    """The answer `card_declined` (402) to a payment that the gateway refused; `document` is the intent after it."""
    assert settled.refusal is not None  # noqa: S101  (only a refusal is answered so)
    about: Json = {"payment_intent": document}
    if settled.charge is not None and settled.charge.status == "failed":
        about["charge"] = encode("ch", settled.charge.id)
    if settled.method is not None and settled.attempt.kind == "authorize":
        about["payment_method"] = objects.payment_method(settled.method)
    code, decline_code = settled.refusal
    told = declines.message(code, decline_code)
    return refused_answer(CardDeclined(code=code, decline_code=decline_code, told=told, objects=about), request)


def as_it_stands(outcome: Json, request: Request) -> Flow[Answer]:
    """The answer where somebody else was first: the one they stored, or the payment as it is now."""
    if outcome.get("answer"):
        return Answer(outcome["answer"]["status"], outcome["answer"]["body"].encode(), kept=True)
    held = held_of(outcome["held"])
    known = {"customer": held.customer, "method": held.method, "charge": held.charge}
    document = yield from intent_with(held.intent, frozenset(request.expand), **known)
    return Answer(200, encoded(document).encode())


def _claimed_by_another(claim: Json) -> Answer:
    answer = answered({"claim": claim}, claim)
    if isinstance(answer, Answer):
        return answer
    raise IntentBusy(kind="payment intent")
