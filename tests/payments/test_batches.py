"""A batch of commands in one call: each comes out as it would alone."""

from datetime import date
from typing import Any
from uuid import uuid4

import orjson
import pytest
from django.db import IntegrityError, transaction

from apps.core import db
from apps.core.flow import Flow, Sql, _perform
from apps.idempotency.domain import Answer
from apps.payments import flows, services
from apps.payments.domain import requests
from apps.payments.domain.rows import Charge, Intent
from tests.payments.shop import Shop, pi

Json = dict[str, Any]


def until(flow: Flow[Answer], function: str) -> Json:
    """The command that `flow` is about to send to `function`, as plain JSON; what comes before it is done."""
    step = flow.send(None)
    while not isinstance(step, Sql) or step.function != function:
        step = flow.send(_perform(step))
    return orjson.loads(db.encode([step.command]))[0]


def creating(shop: Shop, key: str | None = None, **params: Any) -> Json:
    params = {"amount": 700, "currency": "eur"} | params
    return until(shop.begin(flows.create_payment_intent, requests.CreatePaymentIntent, key=key, **params), "payments_create")


def paying(payer: Shop, to: Shop, amount: int, key: str | None = None) -> Json:
    params = {"destination": to.merchant.account, "amount": amount, "currency": "eur"}
    return until(payer.begin(flows.create_transfer, requests.CreateTransfer, key=key, **params), "payments_transfer")


def beginning(shop: Shop, key: str | None = None, **params: Any) -> Json:
    params = {"amount": 700, "currency": "eur", "confirm": True, "payment_method": "pm_card_visa"} | params
    return until(shop.begin(flows.create_payment_intent, requests.CreatePaymentIntent, key=key, **params), "payments_begin")


def recording(shop: Shop, method: str = "pm_card_visa", **params: Any) -> Json:
    params = {"amount": 700, "currency": "eur", "confirm": True, "payment_method": method} | params
    return until(shop.begin(flows.create_payment_intent, requests.CreatePaymentIntent, **params), "payments_record")


def said(outcome: Json) -> str:
    """An outcome in one word."""
    return outcome.get("error") or outcome.get("claim", {}).get("outcome") or next(iter(outcome))


@pytest.fixture
def rich(shop: Shop) -> Shop:
    """A merchant with 96.80 available."""
    shop.pay()
    services.release_funds(due=date(2190, 1, 1))
    return shop


def test_transfers_of_one_batch_are_refused_one_by_one_in_their_order(rich: Shop, new_shop: Any) -> None:
    other = new_shop()
    commands = [paying(rich, other, amount) for amount in (5_000, 6_000, 4_000, 1_000, 680)]
    outcomes = [said(outcome) for outcome in db.call("payments_transfer", commands)]
    assert outcomes == ["ok", "insufficient_funds", "ok", "insufficient_funds", "ok"]
    assert (rich.money(), other.money(), len(rich.rows("payments_transfer"))) == ((0, 0), (9_680, 0), 3)
    assert [event for event in rich.events() if event == "transfer.created"] == ["transfer.created"] * 3


def test_a_key_twice_in_one_batch_pays_once_and_the_second_comes_again(rich: Shop, new_shop: Any) -> None:
    other, key = new_shop(), str(uuid4())
    commands = [paying(rich, other, 100, key), paying(rich, other, 200), paying(rich, other, 100, key)]
    assert [said(outcome) for outcome in db.call("payments_transfer", commands)] == ["ok", "ok", "running"]
    again = db.call("payments_transfer", [commands[2]])[0]["claim"]
    assert (again["outcome"], again["body"]) == ("replay", commands[0]["answer"]["body"])
    assert other.money() == (300, 0)


@pytest.mark.parametrize(("make", "function"), [(creating, "payments_create"), (beginning, "payments_begin")])
@pytest.mark.parametrize("size", [8, 33, 64])
def test_of_two_under_one_key_the_first_is_done_however_many_are_in_the_batch(shop: Shop, make, function: str, size: int) -> None:
    commands = [make(shop, key=f"{number % (size - 1) * 7 % size}-{size}") for number in range(size)]
    outcomes = [said(outcome) for outcome in db.call(function, commands)]
    assert outcomes == ["ok"] * (size - 1) + ["running"]
    assert {str(intent["id"]) for intent in shop.rows("payments_intent")} == {command["intent"]["id"] for command in commands[:-1]}


def test_a_refused_command_gives_its_key_back(rich: Shop, new_shop: Any) -> None:
    other, key = new_shop(), str(uuid4())
    refused, paid = db.call("payments_transfer", [paying(rich, other, 9_681, key), paying(rich, other, 1)])
    assert (said(refused), said(paid)) == ("insufficient_funds", "ok")
    assert said(db.call("payments_transfer", [paying(rich, other, 50, key)])[0]) == "ok"


def test_known_keys_of_a_batch_are_answered_as_the_table_says(shop: Shop) -> None:
    done, taken, other = creating(shop), creating(shop), creating(shop, description="another body")
    db.call("payments_create", [done, taken])
    other["key"] = {**other["key"], "key": taken["key"]["key"]}
    fresh = [creating(shop) for _ in range(3)]
    outcomes = db.call("payments_create", [fresh[0], done | {"key": {**done["key"], "object_id": str(uuid4())}}, fresh[1], other, fresh[2]])
    assert [said(outcome) for outcome in outcomes] == ["ok", "replay", "ok", "mismatch", "ok"]
    assert len(shop.rows("payments_intent")) == 5


def test_creates_with_parties_are_judged_one_by_one(shop: Shop) -> None:
    ghost = "cus_01h455vb4pex5vsknk084sn02q"
    commands = [creating(shop), creating(shop, customer=ghost), creating(shop)]
    assert [said(outcome) for outcome in db.call("payments_create", commands)] == ["ok", "customer_missing", "ok"]
    assert shop.events() == ["payment_intent.created"] * 2


def test_commands_without_a_key_are_all_new(shop: Shop) -> None:
    commands = [creating(shop) for _ in range(2)]
    for command in commands:
        command["key"] = {**command["key"], "key": None}
    assert db.call("payments_create", commands) == [{"ok": {}}] * 2


def test_an_event_that_shows_the_answer_has_its_text(shop: Shop) -> None:
    shop.create()
    (event,) = shop.rows("events_event")
    assert event["data"] == shop.answer.body.decode()


def test_new_and_known_intents_begin_in_one_batch(shop: Shop) -> None:
    known = shop.create(payment_method="pm_card_visa")
    confirm = until(shop.begin(flows.confirm_payment_intent, requests.ConfirmPaymentIntent, pi(known)), "payments_begin")
    again = until(shop.begin(flows.confirm_payment_intent, requests.ConfirmPaymentIntent, pi(known)), "payments_begin")
    key = str(uuid4())
    outcomes = db.call("payments_begin", [beginning(shop, key), confirm, beginning(shop, key), again, beginning(shop)])
    assert [said(outcome) for outcome in outcomes] == ["ok", "ok", "running", "busy", "ok"]
    assert outcomes[1]["ok"]["intent"]["id"] == str(pi(known))
    assert len(shop.rows("payments_attempt")) == 3


def test_a_batch_records_what_still_stands_and_refuses_the_rest(shop: Shop) -> None:
    commands = [recording(shop), recording(shop, "pm_card_visa_chargeDeclined"), recording(shop), recording(shop, capture_method="manual")]
    stale = recording(shop) | {"intent_version": 7}
    db.call("payments_record", [commands[2]])
    outcomes = db.call("payments_record", [commands[0], stale, *commands[1:]])
    assert [said(outcome) for outcome in outcomes] == ["ok", "stale", "ok", "settled", "ok"]
    states = sorted(intent["status"] for intent in shop.rows("payments_intent"))
    assert states == ["requires_capture", "requires_confirmation", "requires_payment_method", "succeeded", "succeeded"]


def test_what_the_ledger_refuses_is_refused_alone(shop: Shop) -> None:
    good, bad, last = (recording(shop) for _ in range(3))
    bad["entry"] = {**bad["entry"], "booked_on": "1999-01-01", "postings": bad["entry"]["postings"][:1]}
    outcomes = db.call("payments_record", [good, bad, last])
    assert [said(outcome) for outcome in outcomes] == ["ok", "ledger", "ok"]
    assert outcomes[1]["reason"]["error"] == "unbalanced"
    assert shop.booked("pending") == 2 * orjson.loads(orjson.dumps(good["funds"]))["amount"]


def test_the_same_outcome_twice_in_one_batch_is_recorded_once(shop: Shop) -> None:
    first, other = recording(shop), recording(shop)
    outcomes = db.call("payments_record", [first, other, first])
    assert [said(outcome) for outcome in outcomes] == ["ok", "ok", "stale"]
    assert len(shop.rows("payments_charge")) == 2
    assert shop.events().count("payment_intent.succeeded") == 2


def test_a_batch_that_cannot_be_begun_leaves_nothing_and_frees_its_keys(shop: Shop) -> None:
    good, bad = beginning(shop), beginning(shop)
    bad["intent"] = {**bad["intent"], "amount": -1}
    with pytest.raises(IntegrityError):
        db.call("payments_begin", [good, bad])
    assert (shop.rows("payments_intent"), shop.rows("payments_attempt")) == ([], [])
    assert said(db.call("payments_begin", [good])[0]) == "ok"


@pytest.mark.parametrize(
    ("make", "function", "name", "kind"),
    [
        (creating, "payments_create", "intent", Intent),
        (beginning, "payments_begin", "intent", Intent),
        (recording, "payments_record", "charge", Charge),
    ],
)
@pytest.mark.parametrize("times", [1, 2])  # the same one twice goes the long way
def test_a_column_that_is_not_sent_is_written_as_one_that_is_sent_as_null(shop: Shop, make, function, name, kind, times: int) -> None:
    sparse = make(shop)
    full = {**sparse, name: {**dict.fromkeys(kind.__struct_fields__), **sparse[name]}}
    assert len(full[name]) > len(sparse[name]) + 5
    written = []
    for command in (sparse, full):
        with transaction.atomic():
            db.call(function, [command] * times)
            written.append(shop.rows(f"payments_{name}"))
            transaction.set_rollback(True)
    assert written[0] == written[1] != []
