"""What was asked about a payment before, so that a request about it can be rehearsed on a twin.

A rehearsal never asks a gateway to do anything: it is asked here, by the references of the original,
what it did then, and its answers are played back.
"""

from collections.abc import Sequence
from typing import Any, TypeVar
from uuid import UUID

import orjson
from msgspec import Struct

from apps.core.api import decode as decoding
from apps.core.errors import FlorinError, InvalidId
from apps.core.flow import Flow, Http, Rows
from apps.core.http import HttpFailed, HttpReply, HttpRequest
from apps.core.ids import decode, encode
from apps.cutover.domain.comparing import Told, parsed
from apps.cutover.domain.samples import Asked, Taken
from apps.cutover.flows.repeating import Answering, History, NotRepeatable, Repeat, Span, asked_nothing
from apps.merchants.domain import Caller
from apps.payments import gateways
from apps.payments.domain import requests, rows
from apps.payments.domain.rows import Attempt, Charge, Intent, Refund
from apps.payments.flows import reading, tokens
from apps.payments.flows.asking import asked_of

Json = dict[str, Any]
T = TypeVar("T", bound=Struct)
_INTENTS = "/v1/payment_intents"
_OVER = ("succeeded", "failed")
# What an update could have changed since the intent was created.
_GIVEN = (
    "amount", "currency", "capture_method", "confirmation_method", "description", "statement_descriptor",
    "statement_descriptor_suffix", "receipt_email", "metadata", "setup_future_usage", "transfer_group",
    "automatic_payment_methods", "payment_method_options",
)  # fmt: skip
_BOOKED = {"payment_intents.create": ("capture",), "refunds.create": ("refund", "refund_hold"), "transfers.create": ("transfer",)}


def history_of(taken: Taken) -> Flow[History]:
    """What has to be repeated before `taken` can be rehearsed.  Raises: NotRepeatable."""
    asked, kinds = taken.asked, _BOOKED.get(taken.endpoint, ("capture",))

    def effects(caller: Caller, document: Json, span: Span) -> Flow[Json]:
        return _effects(caller, document, kinds, span)

    intent = yield from _intent(taken)
    if intent is None:
        return History(effects=effects, answering=(yield from _describing(taken)))
    yield from _parties_stand(intent)
    known = yield from _attempts(intent)
    own = next((one for one in known if _request_id(one) == asked.caller.request_id), None)
    answering = yield from _answered(own, taken) if own else _describing(taken)
    if taken.endpoint == "payment_intents.create":
        return History(effects=effects, answering=answering)
    if own is None and taken.endpoint == "payment_intents.confirm" and taken.sent.status == 200:
        raise NotRepeatable("it only looked what became of an earlier one")
    until = own.id.int if own else int(taken.read_at.timestamp() * 1000) << 80
    earlier = [one for one in known if one.id.int < until]
    before = yield from _before(asked.caller, intent, earlier)
    return History(effects=effects, before=tuple(before), answering=answering)


def _intent(taken: Taken) -> Flow[Intent | None]:
    """The payment that the request was about, or made; None if there is none, or none of the caller's."""
    name = _named(taken)
    if name is None:
        return None
    try:
        kind, id = name.partition("_")[0], decode(name.partition("_")[0], name)
    except InvalidId:
        return None
    if kind == "ch":
        charge: Charge | None = yield from reading.owned(Charge, taken.asked.caller, id)
        return None if charge is None else (yield from reading.owned(Intent, taken.asked.caller, charge.intent_id))
    found: Intent | None = yield from reading.owned(Intent, taken.asked.caller, id)
    return found


def _named(taken: Taken) -> str | None:
    """The id, of an intent or a charge, that says which payment it is."""
    asked = taken.asked
    if taken.endpoint == "payment_intents.create":
        return _made(taken.sent.body)
    if taken.endpoint == "refunds.create":
        body = _body_of(asked, requests.CreateRefund)
        return (body.charge or body.payment_intent) if body else None
    return asked.path.split("/")[3] if taken.endpoint.startswith("payment_intents.") else None


def _made(body: bytes) -> str | None:
    """The intent in an answer, if it is one or an error that names one."""
    document = _document(body)
    error = document.get("error")
    intent = document if error is None else error.get("payment_intent")
    return intent.get("id") if intent else None


def _document(body: bytes) -> Json:
    """The object in an answer. A hot path that answers anything else differs from its twin, and that is to be found out, not raised."""
    found = parsed(body)
    return found if isinstance(found, dict) else {}


def _body_of(asked: Asked, shape: type[T]) -> T | None:
    try:
        return decoding.decode(asked.headers.get("CONTENT_TYPE", ""), asked.body, asked.query, shape)
    except FlorinError:
        return None  # it was refused for that, and will be again


def _parties_stand(intent: Intent) -> Flow[None]:
    """Raises NotRepeatable where the customer or the payment method went meanwhile."""
    if intent.customer_id is None and intent.payment_method_id is None:
        return
    found = yield Rows(
        "SELECT c.deleted_at IS NOT NULL OR m.detached_at IS NOT NULL"
        " OR m.customer_id IS DISTINCT FROM i.customer_id AND m.customer_id IS NOT NULL AS gone"
        " FROM payments_intent i LEFT JOIN payments_customer c ON c.id = i.customer_id"
        " LEFT JOIN payments_payment_method m ON m.id = i.payment_method_id WHERE i.id = %s",
        [intent.id],
    )
    if found[0]["gone"]:
        raise NotRepeatable("its customer or payment method is gone")


def _attempts(intent: Intent) -> Flow[list[Attempt]]:
    """What was asked of gateways for the payment, in order."""
    statement = f"SELECT {reading.columns_of('a', Attempt)} FROM payments_attempt a WHERE a.intent_id = %s ORDER BY a.id"
    found = yield Rows(statement, [intent.id])
    return [rows.read(Attempt, row) for row in found]


def _request_id(attempt: Attempt) -> str | None:
    name: str | None = attempt.request.get("request_id")
    return name


def _answered(attempt: Attempt, taken: Taken | None = None) -> Flow[Answering]:
    """What the gateway says it answered to `attempt`, for whoever asks the same for the twin."""
    gateway, asked = gateways.GATEWAYS[attempt.gateway], asked_of(attempt, None, None)
    if attempt.state not in (*_OVER, "waiting"):
        raise NotRepeatable("the gateway has not answered yet")
    try:
        reply = yield Http(gateway.look(asked))
    except HttpFailed:
        raise NotRepeatable("the gateway does not say what it did") from None
    verdict = gateway.read(reply, asked).verdict
    if verdict in ("unknown", "missing"):
        raise NotRepeatable("the gateway does not say what it did")
    if taken is not None and not _still_says(verdict, taken.sent):
        raise NotRepeatable("the gateway says something else by now")
    return _playing(reply, asked.reference)


def _still_says(verdict: str, sent: Told) -> bool:
    """Whether the answer that was sent is made of what the gateway says now. A silent one may have spoken
    since, a customer at the bank's page may have acted."""
    status: str | None = _document(sent.body).get("status")
    return status != "processing" and (status == "requires_action") == (verdict == "challenged" and sent.status == 200)


def _describing(taken: Taken) -> Flow[Answering]:
    """The gateway is asked for nothing, except what a test method is that a new intent names, where no worker has heard of it."""
    body = _body_of(taken.asked, requests.CreatePaymentIntent) if taken.endpoint == "payment_intents.create" else None
    if body is None or not (body.payment_method or "").startswith(tokens.TEST_METHOD):
        return asked_nothing
    method = _document(taken.sent.body).get("payment_method")
    if isinstance(method, dict) and method.get("card") is None:
        raise NotRepeatable("the gateway had not said which card it is")
    question = gateways.GATEWAYS[gateways.DEFAULT].describe()
    try:
        reply = yield Http(question)
    except HttpFailed:
        raise NotRepeatable("the gateway does not say what its test methods are") from None
    return lambda request: reply if request.url == question.url else asked_nothing(request)


def _playing(reply: HttpReply, reference: str) -> Answering:
    """`reply`, as if it were about the reference that is asked about now."""

    def play(request: HttpRequest) -> HttpReply:
        asked: str = orjson.loads(request.body)["reference"] if request.body else request.url.rsplit("/", 1)[-1]
        return HttpReply(reply.status, reply.headers, reply.body.replace(reference.encode(), asked.encode()))

    return play


def _before(caller: Caller, intent: Intent, attempts: Sequence[Attempt]) -> Flow[list[Repeat]]:
    """The requests that brought the payment where it was before."""
    created = yield from _created(caller, intent)
    together = [one for one in attempts[:1] if one.kind == "authorize" and _request_id(one) == created["request_id"]]
    repeats = [(yield from _creation(intent, created["data"], together[0] if together else None))]
    for attempt in attempts[len(together) :]:
        repeats.append((yield from _followed(intent, attempt)))
    return repeats


def _created(caller: Caller, intent: Intent) -> Flow[Json]:
    """The intent as it was first told of, and by which request."""
    minute = 60_000 << 80
    found = yield Rows(
        "SELECT data, request_id FROM events_event WHERE merchant_id = %s AND livemode = %s AND id BETWEEN %s AND %s"
        " AND object_id = %s AND type = 'payment_intent.created'",
        [caller.merchant_id, caller.livemode, UUID(int=intent.id.int - minute), UUID(int=intent.id.int + minute), intent.id],
    )
    if not found:
        raise NotRepeatable("nobody knows how it was created")
    return {"data": orjson.loads(found[0]["data"]), "request_id": found[0]["request_id"]}


def _creation(intent: Intent, told: Json, attempt: Attempt | None) -> Flow[Repeat]:
    """How the intent was created, with `attempt` if it was confirmed at once."""
    customer = None if intent.customer_id is None else encode("cus", intent.customer_id)
    if told["customer"] != customer or any(told[name] != getattr(intent, name) for name in _GIVEN):
        raise NotRepeatable("it was changed since it was created")
    columns = rows.columns(intent)
    body = {name: columns[name] for name in (*_GIVEN, "shipping", "return_url") if columns.get(name) not in (None, {})}
    body |= {name: told[name] for name in ("customer", "payment_method") if told[name] is not None}
    name = encode("pi", intent.id)
    if attempt is None:
        return Repeat(path=_INTENTS, body=body, answering=asked_nothing, makes={name: "id"})
    body |= {"confirm": True} | ({"off_session": True} if attempt.off_session else {})
    answering = yield from _answered(attempt)
    if attempt.state == "failed":
        return Repeat(path=_INTENTS, body=body, answering=answering, makes={name: "error.payment_intent.id"}, status=402)
    return Repeat(path=_INTENTS, body=body, answering=answering, makes={name: "id"} | _charge(attempt))


def _charge(attempt: Attempt) -> dict[str, str]:
    if attempt.charge_id is None or attempt.kind != "authorize" or attempt.state != "succeeded":
        return {}
    return {encode("ch", attempt.charge_id): "latest_charge"}


def _followed(intent: Intent, attempt: Attempt) -> Flow[Repeat]:
    """The request behind an attempt that was not the first."""
    answering = yield from _answered(attempt)
    status = 402 if attempt.state == "failed" and attempt.kind != "refund" else 200
    path = f"{_INTENTS}/{encode('pi', intent.id)}"
    if attempt.kind == "refund":
        refund: Refund = yield from _refund(attempt)
        body = {"payment_intent": encode("pi", intent.id), "amount": refund.amount} | ({"reason": refund.reason} if refund.reason else {})
        return Repeat(path="/v1/refunds", body=body, answering=answering)
    if attempt.kind == "capture":
        return Repeat(path=f"{path}/capture", body={"amount_to_capture": attempt.amount}, answering=answering, status=status)
    if attempt.kind == "void":
        reason = attempt.request.get("reason")
        return Repeat(path=f"{path}/cancel", body={"cancellation_reason": reason} if reason else {}, answering=answering, status=status)
    body = {"off_session": True} if attempt.off_session else {}
    if attempt.payment_method_id is not None:
        body["payment_method"] = encode("pm", attempt.payment_method_id)
    return Repeat(path=f"{path}/confirm", body=body, answering=answering, makes=_charge(attempt), status=status)


def _refund(attempt: Attempt) -> Flow[Refund]:
    statement = f"SELECT {reading.columns_of('r', Refund)} FROM payments_refund r WHERE r.id = %s"
    return rows.read(Refund, (yield Rows(statement, [attempt.refund_id]))[0])


def _effects(caller: Caller, document: Json, kinds: Sequence[str], span: Span) -> Flow[Json]:
    """The events and postings that the caller's request has caused. What is booked of its payment after the
    answer was given, by a capture for example, is another request's."""
    events = yield Rows(
        "SELECT type, data, livemode FROM events_event WHERE merchant_id = %s AND livemode = %s AND id BETWEEN %s AND %s"
        " AND request_id = %s ORDER BY id",
        [caller.merchant_id, caller.livemode, span.since, span.until, caller.request_id],
    )
    about = {"sources": _sources(document), "kinds": list(kinds), "until": span.booked_until, "merchant": caller.merchant_id}
    postings = yield Rows(_POSTINGS, about)
    return {"events": [{"type": one["type"], "object": orjson.loads(one["data"])} for one in events], "postings": postings}


# The balances that a refund is paid from depend on the day; what the merchant pays in all does not.
_POSTINGS = """
SELECT e.kind, CASE WHEN a.merchant_id IS NULL THEN 'house' WHEN a.merchant_id = %(merchant)s THEN 'own' ELSE 'other' END AS whose,
       CASE WHEN e.kind LIKE 'refund%%' AND a.name IN ('available', 'pending') THEN 'balance' ELSE a.name END AS account,
       p.currency, sum(p.amount)::bigint AS amount
FROM ledger_entry e JOIN ledger_posting p ON p.entry_id = e.id JOIN ledger_account a ON a.id = p.account_id
WHERE e.source = ANY(%(sources)s) AND e.kind = ANY(%(kinds)s) AND e.id < %(until)s GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
"""


def _sources(document: Json) -> list[str]:
    """The ids under which the ledger books what an answer tells of."""
    if document.get("object") in ("refund", "transfer"):
        return [document["id"]]
    charge = document.get("latest_charge") if document.get("object") == "payment_intent" else None
    return [charge["id"] if isinstance(charge, dict) else charge] if charge else []
