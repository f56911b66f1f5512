"""A payment that was shown is not rendered again while nothing of it changes; whatever changes is shown at once."""

import asyncio
from collections.abc import Callable

import psycopg
import pytest
from django.conf import settings
from django.db import transaction
from psycopg import sql

from apps.core import db
from apps.core.ids import encode
from apps.payments import services
from apps.payments.domain import requests
from config.asgi import lean, stock
from tests.merchants.asgi import Reply, ask
from tests.payments.shop import Shop

EXPANDED = "&".join(f"expand[]=data.{name}" for name in ("customer", "payment_method", "latest_charge.balance_transaction"))
PAGE, PLAIN = f"/v1/payment_intents?{EXPANDED}", "/v1/payment_intents"
# A column of each table that a page shows; none of these changes raises a row's own version.
SHOWN = {
    "payments_intent": "description",
    "payments_customer": "name",
    "payments_payment_method": "metadata",
    "payments_charge": "statement_descriptor",
    "payments_balance_transaction": "description",
}


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is read of intents on the hot pool: "versions" or "whole"."""
    query, read = db.atuples, []

    async def noted(statement, params=()):
        read.append("whole" if "i.amount" in statement else "versions")
        return await query(statement, params)

    monkeypatch.setattr(db, "atuples", noted)
    return read


@pytest.fixture
async def shop(new_shop: Callable[[], Shop]) -> Shop:
    """With three payments of one customer."""
    return await asyncio.to_thread(_stocked, new_shop)


def _stocked(new_shop: Callable[[], Shop]) -> Shop:
    shop = new_shop()
    customer = services.create_customer(caller=shop.caller, body=requests.CreateCustomer(name="Ada"), method_id=None, key=None)
    for _ in range(3):
        shop.pay(customer=encode("cus", customer.id))
    return shop


async def got(shop: Shop, url: str = PAGE, handler=lean) -> Reply:
    return await ask(handler, "GET", url, headers={"Authorization": f"Bearer {shop.merchant.secret}"})


def change(shop: Shop, table: str, column: str) -> None:
    value = '{"a": "b"}' if column == "metadata" else "changed"
    with psycopg.connect(settings.DATABASE_OWNER_DSN) as owner:
        statement = sql.SQL("UPDATE {} SET {} = %s WHERE merchant_id = %s").format(sql.Identifier(table), sql.Identifier(column))
        assert owner.execute(statement, [value, shop.merchant.id]).rowcount > 0


async def test_a_page_that_was_known_is_only_asked_for_versions(shop: Shop, statements: list[str]) -> None:
    answers = [(await got(shop)).body for _ in range(4)]
    assert statements == ["whole", "whole", "versions", "versions"]
    assert set(answers) == {(await got(shop, handler=stock)).body}


@pytest.mark.parametrize("table", SHOWN)
async def test_whatever_changes_is_shown_at_once(shop: Shop, statements: list[str], table: str) -> None:
    before = [(await got(shop)).body for _ in range(3)][-1]
    await asyncio.to_thread(change, shop, table, SHOWN[table])
    after = (await got(shop)).body
    assert after != before
    assert after == (await got(shop, handler=stock)).body
    assert statements == ["whole", "whole", "versions", "versions", "whole"]


async def test_a_payment_made_since_is_there(shop: Shop) -> None:
    known = [len((await got(shop)).json["data"]) for _ in range(3)]
    await asyncio.to_thread(shop.pay)
    assert (known, len((await got(shop)).json["data"])) == ([3, 3, 3], 4)


async def test_what_is_expanded_is_kept_apart(shop: Shop) -> None:
    for url in (PLAIN, PAGE, f"{PLAIN}?expand[]=data.customer", f"{PLAIN}?expand[]=data.payment_method") * 3:
        assert (await got(shop, url)).body == (await got(shop, url, stock)).body


async def test_what_a_get_has_shown_a_page_knows(shop: Shop, statements: list[str]) -> None:
    ids = [one["id"] for one in (await got(shop, PLAIN, stock)).json["data"]]
    alone = [(await got(shop, f"{PLAIN}/{id}")).body for id in ids]
    page = [(await got(shop, PLAIN)).body for _ in range(2)][-1]
    assert statements == ["whole"] * 4 + ["versions"]
    assert all(one in page for one in alone)
    await asyncio.to_thread(change, shop, "payments_intent", "description")
    assert (await got(shop, f"{PLAIN}/{ids[0]}")).json["description"] == "changed"


@pytest.mark.parametrize(("table", "member"), [("payments_customer", "customer"), ("payments_charge", "latest_charge")])
async def test_a_row_of_the_other_mode_is_never_shown(shop: Shop, table: str, member: str) -> None:
    """Nothing of ours writes such a row. A page takes the mode and the id of what is beside a payment from the payment."""
    before = [one[member]["livemode"] for one in (await got(shop)).json["data"]]
    await asyncio.to_thread(put_into_live_mode, shop, table)
    after = (await got(shop)).json["data"]
    assert before == [False] * 3
    assert all(isinstance(one[member], str) for one in after)


def put_into_live_mode(shop: Shop, table: str) -> None:
    with psycopg.connect(settings.DATABASE_OWNER_DSN) as owner:
        statement = sql.SQL("UPDATE {} SET livemode = true WHERE merchant_id = %s").format(sql.Identifier(table))
        assert owner.execute(statement, [shop.merchant.id]).rowcount > 0


async def test_inside_a_transaction_nothing_is_kept(shop: Shop) -> None:
    """A row that is written twice there has one number."""

    def looked() -> list[str]:
        with transaction.atomic():
            intent = shop.create()
            return [_described(shop, intent, text) for text in ("one", "two")]

    assert await asyncio.to_thread(looked) == ["one", "two"]


def _described(shop: Shop, intent: dict, text: str) -> str:
    db.query("UPDATE payments_intent SET description = %s WHERE client_secret = %s RETURNING 1", [text, intent["client_secret"]])
    return shop.look(intent)["description"]
