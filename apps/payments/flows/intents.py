"""Create, confirm, capture, cancel."""

import time
from typing import Any
from uuid import UUID

from django.conf import settings
from msgspec import structs

from apps.core import clock
from apps.core.errors import ParameterMissing
from apps.core.flow import Flow, Sql
from apps.core.ids import encode, new_id
from apps.idempotency.domain import Answer, RequestKey
from apps.idempotency.errors import IdempotencyKeyInUse
from apps.idempotency.flows import claimed
from apps.merchants.domain import Caller
from apps.merchants.flows import pricing
from apps.payments.domain import expansion, intents, requests, rows, schedule
from apps.payments.domain.intents import Held
from apps.payments.domain.rows import Intent, PaymentMethod
from apps.payments.domain.states import Verb
from apps.payments.errors import IntentBusy
from apps.payments.flows import beginning, tokens
from apps.payments.flows.asking import Request, ask, asked_of, look, request_of
from apps.payments.flows.reading import intent_with
from apps.payments.flows.settling import held_of, settle
from apps.payments.flows.telling import Telling, encoded, told
from apps.payments.flows.terms import TRIES

Json = dict[str, Any]


def create_payment_intent(caller: Caller, key: RequestKey, body: requests.CreatePaymentIntent) -> Flow[Answer]:
    """A new intent; with `confirm`, its gateway's answer as well.

    Emits: payment_intent.created.  Raises: NoPrice, ReferenceMissing, Customer…, Method…, IdempotencyKey…
    """
    expand = expansion.wanted(body.expand, "payment_intent")
    yield from pricing(caller.merchant_id, body.currency)
    now = clock.now()
    method_id, method = beginning.chosen_method(caller, body.payment_method, now=now)
    intent = beginning.new_intent(caller, body, method_id, now=now)
    if body.confirm:
        return (yield from _create_and_confirm(caller, key, body, intent, method))
    beginning.refuse_confirmation_only(body)
    if method is not None:
        method = yield from tokens.with_card(method)
    request = request_of(caller, key, intent.id, expand=expand)
    telling = Telling({"intent": intent})
    text = telling.text("intent")
    if expand:
        text = encoded((yield from intent_with(intent, expand, method=method)))
    answer = Answer(200, text.encode(), kept=True)
    command = {
        "key": request.key,
        "intent": intent,
        "method": method,
        **told(telling.events([("payment_intent.created", "intent")], request, now=intent.created), answer),
    }
    outcome = yield from claimed(lambda: Sql("payments_create", command))
    if isinstance(outcome, Answer):
        return outcome
    if "error" in outcome:
        raise beginning.refusal(outcome, "confirm")
    return answer


def _create_and_confirm(
    caller: Caller, key: RequestKey, body: requests.CreatePaymentIntent, intent: Intent, method: PaymentMethod | None
) -> Flow[Answer]:
    if intent.payment_method_id is None:
        raise ParameterMissing(param="payment_method")
    attempt, request = _authorization(caller, key, body)
    telling = Telling({"intent": intent})
    command = beginning.begin_command(caller, key, "confirm", intent.id, attempt, now=intent.created)
    command["intent"] = intent
    command["events"] = telling.events([("payment_intent.created", "intent")], request, now=intent.created)
    command |= _method(method, intent.payment_method_id)
    made = Held(attempt=beginning.new_authorization(intent, command["attempt"]), intent=intent, method=method)
    return (yield from _begun(command, request, "confirm", made=made))


def confirm_payment_intent(caller: Caller, key: RequestKey, intent_id: UUID, body: requests.ConfirmPaymentIntent) -> Flow[Answer]:
    """The gateway is asked for the authorisation; while the customer is at the bank's page, it is asked
    what became of it.

    Posts: capture (automatic).  Emits: payment_intent.*, charge.*.  Raises: UnexpectedState,
    MethodMissing, IntentBusy, NotFound, IdempotencyKey…
    """
    attempt, request = _authorization(caller, key, body)
    method_id, method = beginning.chosen_method(caller, body.payment_method)
    command = beginning.begin_command(caller, key, "confirm", intent_id, attempt)
    command |= {"changes": beginning.changes_of(body), **_method(method, method_id)}
    return (yield from _begun(command, request, "confirm"))


def capture_payment_intent(caller: Caller, key: RequestKey, intent_id: UUID, body: requests.CapturePaymentIntent) -> Flow[Answer]:
    """The gateway takes what it holds, or the part asked for; the rest is released.

    Posts: capture.  Emits: charge.captured, payment_intent.succeeded.  Raises: UnexpectedState,
    AmountTooLarge, IntentBusy, NotFound, IdempotencyKey…
    """
    request = request_of(caller, key, attempt_id := new_id(), expand=expansion.wanted(body.expand, "payment_intent"))
    attempt = {"id": attempt_id, "kind": "capture", "request": rows.columns(request)}
    command = beginning.begin_command(caller, key, "capture", intent_id, attempt)
    command["asked"] = body.amount_to_capture
    return (yield from _begun(command, request, "capture"))


def cancel_payment_intent(caller: Caller, key: RequestKey, intent_id: UUID, body: requests.CancelPaymentIntent) -> Flow[Answer]:
    """Nothing will be taken any more; what a gateway holds is released.

    Emits: payment_intent.canceled.  Raises: UnexpectedState, IntentBusy, NotFound, IdempotencyKey…
    """
    expand = expansion.wanted(body.expand, "payment_intent")
    request = request_of(caller, key, attempt_id := new_id(), expand=expand, reason=body.cancellation_reason)
    attempt = {"id": attempt_id, "kind": "void", "request": rows.columns(request)}
    return (yield from _begun(beginning.begin_command(caller, key, "cancel", intent_id, attempt), request, "cancel"))


def _authorization(caller: Caller, key: RequestKey, body: requests.Confirmation) -> tuple[Json, Request]:
    attempt_id = new_id()
    request = request_of(caller, key, attempt_id, expand=expansion.wanted(body.expand, "payment_intent"))
    off_session = bool(body.off_session) or body.error_on_requires_action
    return {
        "id": attempt_id,
        "kind": "authorize",
        "charge_id": new_id(),
        "off_session": off_session,
        "request": rows.columns(request),
    }, request


def _method(row: PaymentMethod | None, id: UUID | None) -> Json:
    """A new payment method by its row, a known one by its id."""
    return {"method": row, "method_id": None if row else id}


def _begun(command: Json, request: Request, verb: Verb, *, made: Held | None = None) -> Flow[Answer]:
    """Begin, ask, record. Where there is nothing to begin, what is to be done instead. `made` is what
    the begin commits, where all of it is new."""
    for _ in range(TRIES):
        begun_at = time.monotonic()
        outcome = yield from claimed(lambda: Sql("payments_begin", command))
        if isinstance(outcome, Answer):
            return outcome
        if "claim" in outcome:
            return (yield from _resume(UUID(outcome["claim"]["object_id"]), request))
        if "ok" in outcome:
            held = held_of(outcome["ok"]) if outcome["ok"] or made is None else made
            reply = yield from ask(held.attempt, asked_of(held.attempt, held.intent, held.method), begun_at=begun_at)
            tokens.remember(held.method, reply.card)
            return (yield from settle(held, reply, request))
        if outcome["error"] == "waiting":
            return (yield from _look_again(outcome, request))
        if outcome["error"] != "nothing_held":
            raise beginning.refusal(outcome, verb, id=encode("pi", UUID(str(command["intent_id"]))), **_about(command))
        answer = yield from _cancel_unheld(rows.read(Intent, outcome["intent"]), request)
        if answer is not None:
            return answer
    raise IntentBusy(kind="payment intent")


def _about(command: Json) -> Json:
    if command["attempt"]["kind"] == "capture":
        return {"param": "amount_to_capture", "asked": command["asked"]}
    return {}


def _look_again(outcome: Json, request: Request) -> Flow[Answer]:
    """The customer was sent to the bank: what came of it is asked for now."""
    held = held_of(outcome["held"])
    reply = yield from look(held.attempt, asked_of(held.attempt, held.intent, held.method))
    if reply.verdict in ("unknown", "missing"):
        # Whatever the customer did will be seen by the next look; the intent stays as it is.
        document = yield from intent_with(held.intent, frozenset(request.expand), customer=held.customer, method=held.method)
        return Answer(200, encoded(document).encode())
    return (yield from settle(held, reply, request, claim=True))


def _cancel_unheld(intent: Intent, request: Request) -> Flow[Answer | None]:
    """Cancels an intent for which no gateway holds anything; None if it changed meanwhile."""
    now = clock.now()
    canceled = intents.canceled(intent, now=now, reason=request.reason)
    telling = Telling({"intent": canceled})
    text = telling.text("intent")
    if request.expand:
        text = encoded((yield from intent_with(canceled, frozenset(request.expand))))
    answer = Answer(200, text.encode(), kept=True)
    command = {
        "key": request.key,
        "claim": True,
        "intent_id": intent.id,
        "intent_version": intent.version,
        "intent": rows.changes(canceled),
        **told(telling.events([("payment_intent.canceled", "intent")], request, now=now), answer),
    }
    outcome = yield from claimed(lambda: Sql("payments_record", command))
    if isinstance(outcome, Answer):
        return outcome
    return answer if "ok" in outcome else None


def _resume(attempt_id: UUID, request: Request) -> Flow[Answer]:
    """Goes on from an attempt whose owner died, with the same reference: the gateway is asked again
    unless its answer is waited for already."""
    begun_at = time.monotonic()
    outcome = yield Sql("payments_resume", {"attempt_id": attempt_id, "last_byte_s": schedule.last_byte_s(settings.GATEWAY_DEADLINE_S)})
    found = outcome["ok"]
    if not found.get("attempt"):
        raise IdempotencyKeyInUse()
    held = held_of(found)
    if not found["send"]:
        document = yield from intent_with(held.intent, frozenset(request.expand))
        return Answer(200, encoded(document).encode())
    reply = yield from ask(held.attempt, asked_of(held.attempt, held.intent, held.method), begun_at=begun_at)
    return structs.replace((yield from settle(held, reply, request)), kept=False)  # the owner may have been first after all
