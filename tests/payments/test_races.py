"""Many at once: exactly one winner, and the same answer for everybody with its key."""

import asyncio
from collections import Counter
from datetime import date

from apps.core.errors import FlorinError
from apps.core.flow import Flow, arun
from apps.idempotency.domain import Answer
from apps.idempotency.errors import IdempotencyKeyInUse, IdempotencyKeyReused
from apps.payments import flows, services
from apps.payments.domain import requests
from tests.payments.shop import Shop, due_now, pi, reference

# What is not async runs beside the loop.
off = asyncio.to_thread

CREATE = (flows.create_payment_intent, requests.CreatePaymentIntent)


async def outcome(flow: Flow[Answer]) -> Answer | FlorinError:
    try:
        return await arun(flow)
    except FlorinError as refusal:
        return refusal


async def at_once(*flows_: Flow[Answer]) -> list[Answer | FlorinError]:
    return await asyncio.gather(*(outcome(flow) for flow in flows_))


def payment(shop: Shop, key: str, amount: int = 10_000) -> Flow[Answer]:
    return shop.begin(*CREATE, key=key, amount=amount, currency="eur", confirm=True, payment_method="pm_card_visa")


async def test_fifty_clients_with_one_key_charge_once_and_hear_the_same(shop: Shop, effects) -> None:
    answers = await at_once(*(payment(shop, "k") for _ in range(50)))
    assert {answer.body for answer in answers if isinstance(answer, Answer)} == {next(a.body for a in answers if isinstance(a, Answer))}
    assert all(isinstance(answer, Answer | IdempotencyKeyInUse) for answer in answers)
    assert (len(await off(shop.rows, "payments_intent")), await off(shop.booked, "pending")) == (1, 9_680)
    assert await off(effects, reference(await off(shop.attempt))) == [("authorize", "captured")]


async def test_one_key_for_five_requests_runs_one_of_them(shop: Shop) -> None:
    answers = await at_once(*(payment(shop, "k", 1_000 + number % 5) for number in range(50)))
    assert len({answer.body for answer in answers if isinstance(answer, Answer)}) == 1
    assert {type(answer) for answer in answers} <= {Answer, IdempotencyKeyInUse, IdempotencyKeyReused}
    assert len(await off(shop.rows, "payments_intent")) == 1


async def test_a_hundred_captures_and_voids_have_one_winner(shop: Shop) -> None:
    intent = await off(shop.hold)
    capture = [shop.begin(flows.capture_payment_intent, requests.CapturePaymentIntent, pi(intent)) for _ in range(50)]
    cancel = [shop.begin(flows.cancel_payment_intent, requests.CancelPaymentIntent, pi(intent)) for _ in range(50)]
    answers = await at_once(*(flow for pair in zip(capture, cancel, strict=True) for flow in pair))
    won = Counter(answer.status for answer in answers if isinstance(answer, Answer))
    assert won == {200: 1}
    assert (len(await off(shop.rows, "payments_attempt", "kind <> 'authorize'")), await off(shop.booked, "pending") in (0, 9_680)) == (
        1,
        True,
    )


async def test_a_hundred_full_refunds_have_one_winner(shop: Shop) -> None:
    intent = await off(shop.pay)
    await off(shop.pay)
    refunds = [shop.begin(flows.create_refund, requests.CreateRefund, payment_intent=intent["id"]) for _ in range(100)]
    answers = await at_once(*refunds)
    assert Counter(isinstance(answer, Answer) for answer in answers) == {True: 1, False: 99}
    assert await off(shop.booked, "pending") == 9_360


async def test_refunds_at_once_never_take_more_than_there_is(shop: Shop) -> None:
    paid = [await off(shop.pay, 1_000) for _ in range(6)]
    refunds = [shop.begin(flows.create_refund, requests.CreateRefund, payment_intent=intent["id"]) for intent in paid for _ in range(2)]
    answers = await at_once(*refunds)
    assert (sum(isinstance(answer, Answer) for answer in answers), await off(shop.booked, "pending"), await off(shop.money)) == (
        5,
        646,
        (0, 646),
    )


async def test_transfers_at_once_never_take_more_than_there_is(shop: Shop, new_shop) -> None:
    other = await off(new_shop)
    await off(shop.pay)
    await off(services.release_funds, due=date(2190, 1, 1))
    params = {"amount": 1_000, "currency": "eur", "destination": other.merchant.account}
    answers = await at_once(*(shop.begin(flows.create_transfer, requests.CreateTransfer, **params) for _ in range(30)))
    assert (sum(isinstance(answer, Answer) for answer in answers), await off(shop.money), await off(other.money)) == (
        9,
        (680, 0),
        (9_000, 0),
    )


async def test_recovery_and_the_client_at_once_book_once(shop: Shop, impatient) -> None:
    await off(shop.pay, method="pm_card_resetAfterCharge")
    attempt = (await off(shop.attempt))["id"]
    await off(due_now, shop)
    await asyncio.gather(*(arun(flows.recover_attempt(attempt)) for _ in range(10)))
    assert (await off(shop.booked, "pending"), len(await off(shop.rows, "payments_charge"))) == (9_680, 1)
