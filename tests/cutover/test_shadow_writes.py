"""Hot writes, rehearsed by their DRF twins in transactions that are rolled back."""

import asyncio
import time
from typing import Any

import psycopg
import pytest
from django.conf import settings
from msgspec import structs

from apps.core import db
from apps.core.ids import encode
from apps.cutover.models import Sample
from apps.cutover.selectors import Summary
from apps.payments.domain import fees
from apps.payments.flows import intents, telling, tokens
from apps.payments.renderers import objects
from tests.contract.cases import WRITES, Case
from tests.contract.test_twins import sent
from tests.cutover.shadow import compared, differences_of, handed_over
from tests.payments.conftest import fresh, journal  # noqa: F401
from tests.payments.shop import Shop

# What cannot be rehearsed: the first only asks what became of an earlier request, and after the second
# the gateway no longer says that its customer was asked to act.
SKIPPED = {"confirm what waits for its customer", "cancel a challenge"}
# What is refused at the gate, before anybody is known.
UNKNOWN = {"write without a key"}


@pytest.mark.parametrize("name", [name for name in WRITES if name not in UNKNOWN])
async def test_the_classic_path_would_have_done_the_same(name: str, shadowed, make_merchant) -> None:
    case = WRITES[name]
    shop, other = [Shop(await asyncio.to_thread(make_merchant)) for _ in range(2)]
    ids = await asyncio.to_thread(case.given, shop, other)
    await sent("hot", case, shop.merchant.secret, ids)
    [(endpoint, found)] = (await compared()).items()
    assert [(one.what, one.hot_body, one.classic_body) for one in await asyncio.to_thread(differences_of, shop.merchant)] == []
    assert found == (Summary(endpoint, skipped=1) if name in SKIPPED else Summary(endpoint, compared=1))


async def asked(name: str, make_merchant: Any) -> Shop:
    """A merchant that has sent the request of that case to the hot path."""
    shop, other = [Shop(await asyncio.to_thread(make_merchant)) for _ in range(2)]
    ids = await asyncio.to_thread(WRITES[name].given, shop, other)
    await sent("hot", WRITES[name], shop.merchant.secret, ids, **{"Idempotency-Key": "once"})
    return shop


def everything() -> dict[str, int]:
    """How many rows every table has, but for those that comparisons are written to."""
    tables = db.query("SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE 'cutover%'")
    return {name: db.query(f"SELECT count(*) AS n FROM {name}")[0]["n"] for name in (row["tablename"] for row in tables)}


def settled() -> dict[str, int]:
    """The same, once it no longer grows: another module's relay may still be telling what was done before."""
    before = everything()
    while True:
        time.sleep(0.3)
        rows = everything()
        if rows == before:
            return rows
        before = rows


REHEARSED = ["create", "create and confirm", "create and be declined", "confirm", "capture a part", "cancel", "refund", "transfer"]


@pytest.mark.parametrize("name", REHEARSED)
async def test_a_rehearsal_leaves_no_row_and_no_trace_at_the_gateway(name: str, shadowed, make_merchant, sandbox: str) -> None:
    shop = await asked(name, make_merchant)
    await handed_over()
    money, rows, told = await asyncio.to_thread(lambda: (shop.money(), settled(), journal(sandbox)))
    [(_, found)] = (await compared()).items()
    assert (found.compared, found.differing) == (1, 0)
    assert await asyncio.to_thread(lambda: (shop.money(), everything(), journal(sandbox))) == (money, rows, told)


@pytest.mark.parametrize("name", ["create and confirm", "capture", "confirm"])
async def test_another_fee_is_found_in_the_postings(name: str, shadowed, make_merchant, monkeypatch) -> None:
    shop = await asked(name, make_merchant)
    monkeypatch.setattr(fees, "fee_for", lambda amount, basis_points, fixed_minor: 1)
    await compared()
    [found] = await asyncio.to_thread(differences_of, shop.merchant)
    assert found.what == "postings[0].amount"
    assert '"account":"fees","currency":"eur","amount":-1}' in found.classic_body


@pytest.mark.parametrize(("name", "what"), [("create", "answer.amount"), ("capture", "answer.amount"), ("cancel", "answer.amount")])
async def test_another_answer_is_found(name: str, what: str, shadowed, make_merchant, monkeypatch) -> None:
    shop, honest = await asked(name, make_merchant), objects.payment_intent
    monkeypatch.setitem(telling.RENDERERS, "intent", lambda row: structs.replace(honest(row), amount=1))
    await compared()
    [found] = await asyncio.to_thread(differences_of, shop.merchant)
    assert (found.what, '"amount":1,' in found.classic_body, '"amount":1,' in found.hot_body) == (what, True, False)


@pytest.mark.parametrize("name", ["create", "create and confirm", "capture", "transfer"])
@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'"text"', b'{"error":{}}'])
async def test_a_hot_answer_that_is_no_object_of_ours_is_found(name: str, body: bytes, shadowed, make_merchant) -> None:
    shop = await asked(name, make_merchant)
    await handed_over()
    await asyncio.to_thread(lambda: Sample.objects.update(answer=body))
    [summary] = (await compared()).values()
    assert (summary.differing, summary.skipped) == (1, 0)
    [found] = await asyncio.to_thread(differences_of, shop.merchant)
    assert found.hot_body.find(body.decode()) >= 0


async def test_a_classic_path_that_asks_the_gateway_for_something_else_is_found(shadowed, make_merchant, monkeypatch) -> None:
    shop, honest = await asked("create and confirm", make_merchant), intents.ask
    await handed_over()
    changed = lambda attempt, asked, **more: honest(attempt, structs.replace(asked, amount=asked.amount + 1), **more)  # noqa: E731
    monkeypatch.setattr(intents, "ask", changed)
    assert (await compared())["payment_intents.create"].differing == 1
    [found] = await asyncio.to_thread(differences_of, shop.merchant)
    assert ('"status":"succeeded"' in found.hot_body, '"status":"processing"' in found.classic_body) == (True, True)


async def test_a_transfer_that_the_balance_no_longer_allows_has_moved_on(shadowed, make_merchant) -> None:
    shop = await asked("transfer", make_merchant)
    other = Shop(await asyncio.to_thread(make_merchant))
    await asyncio.to_thread(lambda: shop.transfer(other, shop.money()[0]))
    assert await compared() == {"transfers.create": Summary("transfers.create", compared=1, moved_on=1)}


async def test_a_rehearsal_does_not_wait_for_locks(shadowed, make_merchant) -> None:
    shop = await asked("transfer", make_merchant)
    await handed_over()
    with psycopg.connect(settings.DATABASE_OWNER_DSN) as holder:
        statement = "SELECT FROM ledger_balance WHERE account_id IN (SELECT id FROM ledger_account WHERE merchant_id = %s) FOR UPDATE"
        holder.execute(statement, [shop.merchant.id])
        assert await compared() == {"transfers.create": Summary("transfers.create", skipped=1)}


async def test_nothing_is_rehearsed_while_the_gateway_does_not_say_what_it_did(shadowed, make_merchant, monkeypatch) -> None:
    shop = await asked("create and confirm", make_merchant)
    monkeypatch.setattr(settings, "SANDBOX_URL", "http://127.0.0.1:9")
    assert await compared() == {"payment_intents.create": Summary("payment_intents.create", skipped=1)}
    assert await asyncio.to_thread(differences_of, shop.merchant) == []


@pytest.mark.parametrize("method", ["pm_card_amex", "pm_card_nobodyIssuedThis"])
async def test_a_worker_that_never_heard_of_a_test_method_asks_the_gateway_for_it(
    method: str, shadowed, make_merchant, monkeypatch
) -> None:
    merchant = await asyncio.to_thread(make_merchant)
    given = {"amount": 5, "currency": "eur", "payment_method": method, "expand": ["payment_method"]}
    await sent("hot", Case("POST", "/v1/payment_intents", given), merchant.secret, {})
    monkeypatch.setattr(tokens, "_known", {})
    assert await compared() == {"payment_intents.create": Summary("payment_intents.create", compared=1)}
    assert await asyncio.to_thread(differences_of, merchant) == []


async def test_a_card_that_the_gateway_had_not_named_yet_is_not_rehearsed(shadowed, make_merchant, monkeypatch) -> None:
    merchant = await asyncio.to_thread(make_merchant)
    given = {"amount": 5, "currency": "eur", "payment_method": "pm_card_amex", "expand": ["payment_method"]}
    monkeypatch.setattr(tokens, "_known", {})
    with monkeypatch.context() as gone:
        gone.setattr(settings, "SANDBOX_URL", "http://127.0.0.1:9")
        await sent("hot", Case("POST", "/v1/payment_intents", given), merchant.secret, {})
    assert await compared() == {"payment_intents.create": Summary("payment_intents.create", skipped=1)}


async def test_an_intent_that_was_changed_meanwhile_is_not_rehearsed(shadowed, make_merchant) -> None:
    shop = await asked("capture", make_merchant)
    await asyncio.to_thread(
        db.query, "UPDATE payments_intent SET description = 'new' WHERE merchant_id = %s RETURNING id", [shop.merchant.id]
    )
    assert await compared() == {"payment_intents.capture": Summary("payment_intents.capture", skipped=1)}


async def test_an_intent_whose_customer_is_gone_is_not_rehearsed(shadowed, make_merchant) -> None:
    secret = (await asyncio.to_thread(make_merchant)).secret
    customer = (await sent("classic", Case("POST", "/v1/customers", {"name": "Ada"}), secret, {})).json["id"]
    await sent("hot", Case("POST", "/v1/payment_intents", {"amount": 5, "currency": "eur", "customer": customer}), secret, {})
    await sent("classic", Case("DELETE", f"/v1/customers/{customer}"), secret, {})
    assert await compared() == {"payment_intents.create": Summary("payment_intents.create", skipped=1)}


async def test_what_another_request_did_to_the_payment_later_is_not_held_against_the_first(shadowed, make_merchant) -> None:
    shop = await asked("create and hold", make_merchant)
    [intent] = await asyncio.to_thread(shop.rows, "payments_intent")
    await asyncio.to_thread(shop.capture, {"id": encode("pi", intent["id"])})
    assert await compared() == {"payment_intents.create": Summary("payment_intents.create", compared=1)}
