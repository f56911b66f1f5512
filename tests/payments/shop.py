"""A merchant that pays, in tests: the flows themselves, driven on real services."""

from typing import Any
from uuid import UUID, uuid4

import orjson

from apps.core import db
from apps.core.api import decode
from apps.core.flow import Flow, Sql, _perform, run
from apps.core.ids import decode as decode_id
from apps.core.ids import encode
from apps.idempotency.domain import Answer, RequestKey, fingerprint
from apps.ledger.domain import merchant_account
from apps.merchants.domain import Caller
from apps.payments import flows
from apps.payments.domain import requests
from apps.payments.flows.telling import encoded
from tests.factories import MadeMerchant

Json = dict[str, Any]


class Shop:
    """One merchant in one mode. Every call has a key of its own unless it is given one; answers are
    the documents, `status` the HTTP status of the last one."""

    def __init__(self, merchant: MadeMerchant, *, livemode: bool = False) -> None:
        self.merchant, self.livemode = merchant, livemode
        self.status = 0

    @property
    def caller(self) -> Caller:
        return Caller(
            merchant_id=self.merchant.id, livemode=self.livemode, key_id=self.merchant.key_id, scopes=frozenset(), request_id="req_test"
        )

    def key(self, path: str, body: requests.Shape, key: str | None) -> RequestKey:
        sha256 = fingerprint("POST", path, decode.canonical(body))
        return RequestKey(self.merchant.id, self.livemode, key or str(uuid4()), sha256, f"POST {path}")

    def begin(self, flow: Any, shape: Any, *path: UUID, key: str | None = None, **params: Any) -> Flow[Answer]:
        """The flow of a request, not driven yet."""
        body = decode.decode("application/json", orjson.dumps(params), "", shape)
        return flow(self.caller, self.key(f"/{flow.__name__}/{path}", body, key), *path, body)

    def ask(self, flow: Any, shape: Any, *path: UUID, key: str | None = None, **params: Any) -> Json:
        answer = run(self.begin(flow, shape, *path, key=key, **params))
        self.status, self.answer = answer.status, answer
        return orjson.loads(answer.body)

    def create(self, amount: int = 10_000, currency: str = "eur", **params: Any) -> Json:
        return self.ask(flows.create_payment_intent, requests.CreatePaymentIntent, amount=amount, currency=currency, **params)

    def pay(self, amount: int = 10_000, method: str = "pm_card_visa", **params: Any) -> Json:
        return self.create(amount, payment_method=method, confirm=True, **params)

    def hold(self, amount: int = 10_000, **params: Any) -> Json:
        return self.pay(amount, capture_method="manual", **params)

    def confirm(self, intent: Json, **params: Any) -> Json:
        return self.ask(flows.confirm_payment_intent, requests.ConfirmPaymentIntent, pi(intent), **params)

    def capture(self, intent: Json, **params: Any) -> Json:
        return self.ask(flows.capture_payment_intent, requests.CapturePaymentIntent, pi(intent), **params)

    def cancel(self, intent: Json, **params: Any) -> Json:
        return self.ask(flows.cancel_payment_intent, requests.CancelPaymentIntent, pi(intent), **params)

    def refund(self, intent: Json, **params: Any) -> Json:
        return self.ask(flows.create_refund, requests.CreateRefund, payment_intent=intent["id"], **params)

    def transfer(self, to: "Shop", amount: int, **params: Any) -> Json:
        params = {"destination": to.merchant.account, "amount": amount, "currency": "eur"} | params
        return self.ask(flows.create_transfer, requests.CreateTransfer, **params)

    def look(self, intent: Json, *expand: str) -> Json:
        return orjson.loads(encoded(run(flows.retrieve_payment_intent(self.caller, pi(intent), frozenset(expand)))))

    def booked(self, name: str, currency: str = "eur") -> int:
        """What is posted to the merchant's account `name`, holds not counted."""
        code = merchant_account(self.merchant.id, self.livemode, name, currency)
        found = db.query(
            "SELECT sum(b.posted)::bigint AS posted FROM ledger_balance b JOIN ledger_account a ON a.id = b.account_id WHERE a.code = %s",
            [code],
        )
        return found[0]["posted"] or 0

    def money(self, currency: str = "eur") -> tuple[int, int]:
        """(available, pending), less what is on hold."""
        balance = run(flows.retrieve_balance(self.caller))
        return tuple(  # type: ignore[return-value]
            sum(money["amount"] for money in balance[kind] if money["currency"] == currency) for kind in ("available", "pending")
        )

    def rows(self, table: str, where: str = "true") -> list[Json]:
        return db.query(f"SELECT * FROM {table} WHERE merchant_id = %s AND {where} ORDER BY id", [self.merchant.id])

    def events(self) -> list[str]:
        return [row["type"] for row in self.rows("events_event")]

    def attempt(self, kind: str = "authorize") -> Json:
        """The merchant's latest attempt of that kind."""
        return self.rows("payments_attempt", f"kind = '{kind}'")[-1]


def pi(intent: Json) -> UUID:
    return decode_id("pi", intent["id"])


def reference(attempt: Json) -> str:
    return encode("att", attempt["id"])


def drive(flow: Flow[Answer], *, until: str) -> list[Any]:
    """Runs `flow` and abandons it, as a killed process would, right before or after a step: `until` is
    `before <Http|function>` or `after <Http|function>`. Returns the steps that were performed."""
    when, _, name = until.partition(" ")
    done: list[Any] = []
    step = flow.send(None)
    while True:
        if when == "before" and _name(step) == name:
            break
        answer = _perform(step)
        done.append(step)
        if when == "after" and _name(step) == name:
            break
        step = flow.send(answer)
    flow.close()
    return done


def _name(step: Any) -> str:
    if isinstance(step, Sql):
        return step.function
    return type(step).__name__


def due_now(shop: Shop) -> None:
    """The merchant's unresolved attempts are due for a look at the gateway, and no others are."""
    db.query(
        "UPDATE payments_attempt SET next_look_at = clock_timestamp()"
        " + CASE WHEN merchant_id = %s THEN interval '0' ELSE interval '1 hour' END WHERE next_look_at IS NOT NULL RETURNING id",
        [shop.merchant.id],
    )


def age(shop: Shop, seconds: int) -> None:
    """As if the merchant's unresolved attempts had been begun, and denied by the gateway, longer ago."""
    earlier = ", ".join(f"{column} = {column} - make_interval(secs => %(s)s)" for column in ("sent_until", "missing_since", "started_at"))
    db.query(
        f"UPDATE payments_attempt SET {earlier} WHERE merchant_id = %(m)s AND next_look_at IS NOT NULL RETURNING id",
        {"s": seconds, "m": shop.merchant.id},
    )


def forget_lease(shop: Shop, key: str) -> None:
    """As if the request with this key had been begun more than its lease ago."""
    db.query(
        "UPDATE idempotency_record SET locked_until = clock_timestamp() - interval '1 second'"
        " WHERE merchant_id = %s AND key = %s AND state = 'running' RETURNING key",
        [shop.merchant.id, key],
    )


def answer_of(flow: Flow[Answer], answer: Any) -> Answer:
    """Drives a flow on from its current step, which was answered by `answer`, to its end."""
    try:
        while True:
            answer = _perform(flow.send(answer))
    except StopIteration as end:
        return end.value


def until_record(flow: Flow[Answer]) -> Any:
    """Drives a flow up to its record, and returns that step, which is not performed."""
    step = flow.send(None)
    while _name(step) != "payments_record":
        step = flow.send(_perform(step))
    return step
