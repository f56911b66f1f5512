"""Whatever is asked, well or badly, a hot view and its DRF twin answer alike: requests made of a seed, thousands of them
where FLORIN_STRANGE says so (`FLORIN_STRANGE=2000 pytest tests/contract/test_random.py`)."""

import asyncio
import os
from base64 import b64encode
from collections import Counter
from dataclasses import dataclass, replace
from datetime import date
from urllib.parse import unquote

import pytest

from apps.core.ids import encode
from apps.merchants.services import issue_key
from apps.payments import services
from apps.payments.domain import requests
from config import hot_urls
from config.asgi import lean, stock
from tests.contract.strange import INTENTS, Source, Strange
from tests.contract.test_twins import masked
from tests.contract.values import METHODS
from tests.merchants.asgi import Reply, ask
from tests.payments.conftest import fresh  # noqa: F401
from tests.payments.shop import Shop

COUNT, SEEDS = int(os.environ.get("FLORIN_STRANGE", "60")), [1, 2, 3]
PAGE = Strange("GET", INTENTS, "limit=100" + "".join(f"&expand[]=data.{n}" for n in ("customer", "payment_method", "latest_charge")))
BALANCE = Strange("GET", "/v1/balance")
# What differs from one request to the next, and what Django's middleware adds for the sake of pages.
OWN = {"request-id", "ratelimit-remaining", "ratelimit-reset", "content-length"}
OF_PAGES = {"cross-origin-opener-policy", "referrer-policy", "x-frame-options"}


@pytest.fixture(autouse=True)
def no_limit(settings) -> None:
    settings.RATE_LIMIT_PER_KEY = settings.RATE_LIMIT_PER_MERCHANT = 1_000_000


@dataclass(frozen=True)
class World:
    """A merchant with payments in every state; of its `ids` some are another's."""

    shop: Shop
    ids: dict[str, list[str]]
    secrets: dict[str, str]


def made(make_merchant) -> World:
    shop, other = Shop(make_merchant()), Shop(make_merchant())
    # A test method's card is known once it has been used.
    for method in METHODS[:4]:
        other.pay(method=method)
    customer = services.create_customer(caller=shop.caller, body=requests.CreateCustomer(name="Ada"), method_id=None, key=None)
    ada = encode("cus", customer.id)
    intents = [
        shop.create(),
        shop.create(5, "jpy", payment_method="pm_card_visa", metadata={"a": "é"}),
        shop.hold(customer=ada),
        shop.hold(),
        shop.pay(3_000, customer=ada),
        shop.pay(currency="kwd"),
        shop.pay(),
        shop.cancel(shop.hold()),
        shop.pay(method="pm_card_chargeDeclined")["error"]["payment_intent"],
        shop.pay(method="pm_card_authenticationRequired", return_url="https://shop.example/done"),
        other.pay(),
        Shop(shop.merchant, livemode=True).create(),
    ]
    shop.refund(intents[5], amount=5)
    services.release_funds(due=date(2190, 1, 1))
    ids = {
        "cus": [ada],
        "pi": [intent["id"] for intent in intents],
        "ch": [intent["latest_charge"] for intent in intents if intent["latest_charge"]],
        "seconds": [str(intents[0]["created"])],
        "acct": [other.merchant.account, shop.merchant.account],
    }
    return World(shop, ids, secrets_of(shop, other))


def secrets_of(shop: Shop, other: Shop) -> dict[str, str]:
    secret = shop.merchant.secret
    _, reads = issue_key(merchant_id=shop.merchant.id, livemode=False, scopes=("payments:read",))
    sent = {"test": secret, "live": shop.merchant.live_secret, "reads": reads, "wrong": secret[:-1], "lower": secret.lower()}
    sent = {name: f"Bearer {text}" for name, text in (sent | {"another": other.merchant.secret}).items()}
    return sent | {"none": "", "basic": "Basic " + b64encode(f"{secret}:".encode()).decode()}


async def sent(handler, world: World, one: Strange) -> Reply:
    headers = {"Authorization": world.secrets[one.key]} | one.headers
    url = f"{one.path}?{one.query}" if one.query else one.path
    return await ask(handler, one.method, url, headers=headers, chunks=[one.body])


def shown(reply: Reply) -> tuple[int, str, list[tuple[str, str]]]:
    assert reply.status < 500, reply
    return reply.status, masked(reply.body), sorted((n, v) for n, v in reply.headers.items() if n not in OWN | OF_PAGES)


def is_hot(one: Strange) -> bool:
    return hot_urls.is_hot(one.method, unquote(one.path))


@pytest.mark.parametrize("seed", SEEDS)
async def test_any_read_is_answered_in_the_same_bytes(make_merchant, sandbox: str, seed: int) -> None:
    world = await asyncio.to_thread(made, make_merchant)
    source, statuses = Source(seed, world.ids), Counter[int]()
    for _ in range(COUNT):
        one = source.read()
        hot, classic = [await sent(handler, world, one) for handler in ((lean, stock) if is_hot(one) else (stock, stock))]
        assert shown(hot) == shown(classic), one
        assert hot.status != 200 or hot.body == classic.body, one
        statuses[hot.status] += 1
    assert statuses[200] > COUNT / 5
    assert statuses[400] > COUNT / 5


@pytest.mark.parametrize("seed", SEEDS)
async def test_any_write_has_the_same_answer_and_leaves_the_same_behind(make_merchant, sandbox: str, seed: int) -> None:
    worlds = [await asyncio.to_thread(made, make_merchant) for _ in range(2)]
    sources, statuses = [Source(seed, world.ids) for world in worlds], Counter[int]()
    for _ in range(COUNT):
        asked = [source.write() for source in sources]
        if not is_hot(asked[0]):
            continue
        answers = [await sent(handler, world, one) for handler, world, one in zip((lean, stock), worlds, asked, strict=True)]
        assert shown(answers[0]) == shown(answers[1]), asked[0]
        statuses[answers[0].status] += 1
    assert statuses[200] > COUNT / 10
    left = [[masked((await sent(lean, world, one)).body) for one in (PAGE, BALANCE)] for world in worlds]
    assert left[0] == left[1]
    assert await asyncio.to_thread(worlds[0].shop.events) == await asyncio.to_thread(worlds[1].shop.events)


@pytest.mark.parametrize("seed", SEEDS)
async def test_any_write_that_one_has_answered_the_other_replays(make_merchant, sandbox: str, seed: int) -> None:
    world = await asyncio.to_thread(made, make_merchant)
    source, replayed = Source(seed + 100, world.ids), 0
    for number in range(COUNT):
        handlers = (lean, stock) if number % 2 else (stock, lean)
        one = source.write()
        one = replace(one, headers={"Idempotency-Key": f"{seed}-{number}"} | one.headers)
        if not is_hot(one):
            continue
        first, second = [await sent(handler, world, one) for handler in handlers]
        assert first.status == second.status, one
        replayed += (is_replay := "idempotent-replayed" in second.headers)
        assert is_replay or first.status >= 400, one
        assert (first.body == second.body) if is_replay else (masked(first.body) == masked(second.body)), one
    assert replayed > COUNT / 10
