"""Whoever has been told of a change sees it at once, in this process and in another, however many ask for the same meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from datetime import date

import httpx
import pytest

from apps.core.ids import encode
from apps.payments import services
from apps.payments.domain import requests
from config.asgi import stock
from tests.factories import MadeMerchant, new_merchant
from tests.merchants.asgi import ask
from tests.payments.shop import Shop
from tests.stack import Stack

EVERYTHING = ("customer", "payment_method", "latest_charge.balance_transaction")
INTENTS = "/v1/payment_intents"
PAGE = f"{INTENTS}?limit=5&" + "&".join(f"expand[]=data.{name}" for name in EVERYTHING)


def one_of(id: str) -> str:
    return f"{INTENTS}/{id}?" + "&".join(f"expand[]={name}" for name in EVERYTHING)


@pytest.fixture(scope="module")
def bases(sandbox: str, tmp_path_factory) -> Iterator[list[str]]:
    """Two web processes."""
    with ExitStack() as stack:
        running = [Stack(tmp_path_factory.mktemp("web"), extra={"WEB_CONCURRENCY": "1"}) for _ in range(2)]
        for one in running:
            stack.callback(one.stop)
        yield [one.start("web").base for one in running]


@pytest.fixture
def merchant(bases: list[str]) -> MadeMerchant:
    return new_merchant(settings={"limit_per_key": 1_000_000, "limit_per_merchant": 1_000_000})


class Webs:
    """The same questions to both processes."""

    def __init__(self, clients: list[httpx.AsyncClient], merchant: MadeMerchant) -> None:
        self.clients, self.merchant, self.asked = clients, merchant, 0

    async def get(self, url: str) -> list[httpx.Response]:
        answers = await asyncio.gather(*(client.get(url) for client in self.clients))
        assert [answer.status_code for answer in answers] == [200, 200]
        return answers

    async def post(self, path: str, **params: str) -> None:
        """To one of them, and the next time to the other."""
        self.asked += 1
        answer = await self.clients[self.asked % 2].post(path, data=params)
        assert answer.status_code == 200, answer.text

    async def seen(self, url: str) -> bytes:
        """What both of them show, and the DRF view in this process as well."""
        answers = await self.get(url)
        truth = await ask(stock, "GET", url, headers=self.merchant.auth)
        assert [answer.content for answer in answers] == [truth.body, truth.body]
        return truth.body


@pytest.fixture
async def webs(bases: list[str], merchant: MadeMerchant) -> AsyncIterator[Webs]:
    limits = httpx.Limits(max_connections=200)
    clients = [httpx.AsyncClient(base_url=base, headers=merchant.auth, timeout=20, limits=limits) for base in bases]
    yield Webs(clients, merchant)
    for client in clients:
        await client.aclose()


async def test_every_way_to_change_a_payment_is_seen_at_once(webs: Webs) -> None:
    shop = Shop(webs.merchant)
    body = requests.CreateCustomer(name="Ada")
    customer = await asyncio.to_thread(services.create_customer, caller=shop.caller, body=body, method_id=None, key=None)
    ada = encode("cus", customer.id)
    held, challenged, bare = await asyncio.to_thread(
        lambda: (shop.create(customer=ada), shop.create(), shop.create(payment_method="pm_card_visa"))
    )
    method = bare["payment_method"]
    ways: list[tuple[str, Callable]] = [
        ("a DRF update", lambda: webs.post(f"{INTENTS}/{held['id']}", description="changed", capture_method="manual")),
        ("a hot confirm", lambda: webs.post(f"{INTENTS}/{held['id']}/confirm", payment_method="pm_card_visa")),
        ("a customer renamed", lambda: webs.post(f"/v1/customers/{ada}", name="Grace")),
        ("a hot capture", lambda: webs.post(f"{INTENTS}/{held['id']}/capture", amount_to_capture="9000")),
        ("a hot refund", lambda: webs.post("/v1/refunds", payment_intent=held["id"], amount="10")),
        ("a refund by the flow", lambda: asyncio.to_thread(shop.refund, held, amount=10)),
        ("funds released by the task", lambda: asyncio.to_thread(services.release_funds, due=date(2190, 1, 1))),
        ("a method updated", lambda: webs.post(f"/v1/payment_methods/{method}", **{"metadata[a]": "b"})),
        ("a hot cancel", lambda: webs.post(f"{INTENTS}/{bare['id']}/cancel")),
        ("a challenge", lambda: webs.post(f"{INTENTS}/{challenged['id']}/confirm", payment_method="pm_card_authenticationRequired")),
        ("a customer deleted", lambda: webs.clients[0].delete(f"/v1/customers/{ada}")),
    ]
    for name, change in ways:
        before = [await webs.seen(PAGE) for _ in range(3)][-1]
        await change()
        assert await webs.seen(PAGE) != before, name
        for intent in (held, challenged, bare):
            await webs.seen(one_of(intent["id"]))


@asynccontextmanager
async def a_crowd(webs: Webs, *urls: str, size: int = 2) -> AsyncIterator[None]:
    """Many who ask for the same again and again."""

    async def again_and_again(client: httpx.AsyncClient, url: str) -> None:
        while True:
            assert (await client.get(url)).status_code == 200
            await asyncio.sleep(0.01)

    crowd = [asyncio.ensure_future(again_and_again(client, url)) for client in webs.clients for url in urls for _ in range(size)]
    try:
        yield
    finally:
        for one in crowd:
            one.cancel()
        ended = await asyncio.gather(*crowd, return_exceptions=True)
    assert {type(error) for error in ended} == {asyncio.CancelledError}


async def test_among_many_who_ask_for_the_same_nobody_is_shown_what_was_before(webs: Webs) -> None:
    intent = await asyncio.to_thread(Shop(webs.merchant).pay)
    urls = [f"{INTENTS}/{intent['id']}", f"{INTENTS}?limit=1"]
    async with a_crowd(webs, *urls):
        for number in range(15):
            await webs.post(urls[0], **{"metadata[n]": str(number)})
            (one, other), (page, other_page) = await webs.get(urls[0]), await webs.get(urls[1])
            shown = [one.json(), other.json(), page.json()["data"][0], other_page.json()["data"][0]]
            assert [each["metadata"]["n"] for each in shown] == [str(number)] * 4


async def test_in_a_crowd_everybody_gets_what_is_his(webs: Webs) -> None:
    stranger = await asyncio.to_thread(new_merchant)
    shops = {"test": Shop(webs.merchant), "live": Shop(webs.merchant, livemode=True), "stranger": Shop(stranger)}
    secrets = {"test": webs.merchant.secret, "live": webs.merchant.live_secret, "stranger": stranger.secret}
    intents = {name: (await asyncio.to_thread(shop.create))["id"] for name, shop in shops.items()}

    async def asked(name: str, url: str, version: str) -> tuple[str, httpx.Response]:
        headers = {"Authorization": f"Bearer {secrets[name]}", "Stripe-Version": version, "Request-Id": "req_mine"}
        return name, await webs.clients[0].get(url, headers=headers)

    urls = [f"{INTENTS}?limit=1", "/v1/balance", *(f"{INTENTS}/{id}" for id in intents.values())]
    for _ in range(2):
        found = await asyncio.gather(
            *(asked(name, url, v) for url in urls for v in ("2020-08-27", "") for name in secrets for _ in range(3))
        )
        assert len({answer.headers["request-id"] for _, answer in found} - {"req_mine"}) == len(found)
        for name, answer in found:
            path = answer.request.url.path
            if path == INTENTS:
                assert [one["id"] for one in answer.json()["data"]] == [intents[name]]
            elif path == "/v1/balance":
                assert answer.json()["livemode"] == (name == "live")
            else:
                assert answer.status_code == (200 if path.endswith(intents[name]) else 404)


async def test_those_who_leave_take_nobody_along(webs: Webs) -> None:
    intent = await asyncio.to_thread(Shop(webs.merchant).create)
    url = f"{INTENTS}/{intent['id']}"
    for _ in range(5):
        crowd = [asyncio.ensure_future(webs.clients[0].get(url)) for _ in range(20)]
        await asyncio.sleep(0.002)
        for one in crowd[::2]:
            one.cancel()
        stayed = await asyncio.gather(*crowd[1::2])
        assert {answer.status_code for answer in stayed} == {200}
