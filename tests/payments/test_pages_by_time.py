"""A page by time is looked for by ids as well, where business time is real time. It shows the same."""

import asyncio
from collections.abc import Callable
from datetime import date

import psycopg
import pytest
from django.conf import settings as configured

from apps.core.ids import encode
from apps.payments import services
from apps.payments.domain import requests
from config.asgi import lean, stock
from tests.merchants.asgi import ask
from tests.payments.shop import Shop

LISTS = ["payment_intents", "charges", "refunds", "customers", "transfers", "balance_transactions"]


@pytest.fixture
async def shop(new_shop: Callable[[], Shop]) -> Shop:
    """With an object in each list."""
    return await asyncio.to_thread(_stocked, new_shop)


def _stocked(new_shop: Callable[[], Shop]) -> Shop:
    shop = new_shop()
    customer = services.create_customer(caller=shop.caller, body=requests.CreateCustomer(name="Ada"), method_id=None, key=None)
    shop.pay(20_000)
    services.release_funds(due=date(2190, 1, 1))
    shop.refund(shop.pay(customer=encode("cus", customer.id)), amount=5)
    shop.transfer(new_shop(), 100)
    return shop


async def listed(shop: Shop, name: str, query: str) -> list[dict]:
    handlers = (lean, stock) if name == "payment_intents" else (stock,)
    auth = {"Authorization": f"Bearer {shop.merchant.secret}"}
    found = [(await ask(handler, "GET", f"/v1/{name}?{query}", headers=auth)).json["data"] for handler in handlers]
    assert found[0] == found[-1]
    return found[0]


@pytest.mark.parametrize("name", LISTS)
async def test_an_object_is_found_by_its_second_and_not_by_others(shop: Shop, settings, name: str) -> None:
    settings.CLOCK_MAY_MOVE = False
    newest = (await listed(shop, name, "limit=1"))[0]
    at = newest["created"]
    for query in (f"created={at}", f"created[gte]={at}", f"created[lte]={at}", f"created[gt]={at - 1}&created[lt]={at + 1}"):
        assert newest in await listed(shop, name, query), query
    for query in (f"created[gt]={at + 1}", f"created[lt]={at - 60}", "created=1", f"created={at + 10**6}"):
        assert await listed(shop, name, query) == [], query


async def test_a_charge_whose_id_is_older_than_itself_is_found(shop: Shop, settings) -> None:
    """As after days at the customer's bank: its id is made before the gateway is asked."""
    later = await asyncio.to_thread(_aged, shop)
    settings.CLOCK_MAY_MOVE = False
    assert [charge["created"] for charge in await listed(shop, "charges", f"created[gte]={later}&created[lt]={later + 1}")] == [later]


def _aged(shop: Shop) -> int:
    charge = shop.rows("payments_charge")[-1]
    later = int(charge["created"].timestamp()) + 86_400 * 3
    with psycopg.connect(configured.DATABASE_OWNER_DSN) as owner:
        owner.execute("UPDATE payments_charge SET created = to_timestamp(%s) WHERE id = %s", [later, charge["id"]])
    return later
