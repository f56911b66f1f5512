"""Redis is flushed, gone or frozen under the running product: payments go on, once each, and no process
believes old settings for longer than a second."""

import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx
import pytest

from apps.core import db
from apps.core.ids import encode
from apps.merchants import services
from tests.conftest import ROOT
from tests.factories import MadeMerchant, new_merchant
from tests.own_redis import OwnRedis
from tests.payments.conftest import journal
from tests.stack import Stack

PAYMENT = {"amount": "1000", "currency": "eur", "confirm": "true", "payment_method": "pm_card_visa"}
PAYMENTS = 20
CHANGE = "import django, sys; django.setup(); from uuid import UUID; from apps.merchants import services; "


@pytest.fixture(scope="module")
def redis() -> Iterator[OwnRedis]:
    running = OwnRedis().start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def stacks(sandbox: str, redis: OwnRedis, tmp_path_factory) -> Iterator[list[Stack]]:
    """Two processes: one answers by its hot views, one by their DRF twins."""
    with ExitStack() as stack:
        started = []
        for hot in ("on", "off"):
            extra = {"REDIS_URL": redis.url, "HOT_ROUTES": hot, "WEB_CONCURRENCY": "1"}
            running = Stack(tmp_path_factory.mktemp("web"), extra=extra)
            stack.callback(running.stop)
            started.append(running.start("web"))
        yield started


@pytest.fixture(params=["whole", "flushed", "stopped", "frozen"])
def harm(request, redis: OwnRedis) -> Iterator[Callable[[], None]]:
    """What happens to Redis when it is called; afterwards all is well again."""
    yield {"whole": lambda: None, "flushed": redis.client.flushall, "stopped": redis.stop, "frozen": redis.freeze}[request.param]
    redis.stop()
    redis.start()


@pytest.fixture
def shop(harm) -> MadeMerchant:
    services.set_rate(plan=(plan := f"plan {uuid.uuid4()}"), currency="*", method="card", basis_points=0, fixed_minor=30)
    return new_merchant(plan=plan)


def client(stack: Stack, shop: MadeMerchant) -> httpx.Client:
    return httpx.Client(base_url=stack.base, headers=shop.auth, timeout=20)


def pay(web: httpx.Client, **more: str) -> httpx.Response:
    return web.post("/v1/payment_intents", data=PAYMENT | more, headers={"Idempotency-Key": str(uuid.uuid4())})


def story(web: httpx.Client) -> str:
    """A payment as a careful client makes it: created, confirmed, asked for again, looked at, listed. The
    payment's id; everything was answered well, and the same twice."""
    create, confirm = ({"Idempotency-Key": str(uuid.uuid4())} for _ in range(2))
    made = [web.post("/v1/payment_intents", data={"amount": "1000", "currency": "eur"}, headers=create) for _ in range(2)]
    url = f"/v1/payment_intents/{made[0].json()['id']}"
    paid = [web.post(f"{url}/confirm", data={"payment_method": "pm_card_visa"}, headers=confirm) for _ in range(2)]
    seen = [web.get(url), web.get("/v1/payment_intents", params={"limit": 100})]
    assert [answer.status_code for answer in (*made, *paid, *seen)] == [200] * 6
    assert (made[0].content, paid[0].content) == (made[1].content, paid[1].content)
    assert [answer.headers.get("idempotent-replayed") for answer in (*made, *paid)] == [None, "true", None, "true"]
    assert paid[0].json()["status"] == seen[0].json()["status"] == "succeeded"
    assert made[0].json()["id"] in [intent["id"] for intent in seen[1].json()["data"]]
    return made[0].json()["id"]


def charges(sandbox: str, merchant: MadeMerchant) -> list[str]:
    """The references of this merchant's attempts under which the gateway took money, once for each time."""
    attempts = db.query("SELECT id FROM payments_attempt WHERE merchant_id = %s", [merchant.id])
    ours = {encode("att", row["id"]) for row in attempts}
    return [line["reference"] for line in journal(sandbox) if line.get("reference") in ours and line.get("status") == "captured"]


@pytest.mark.slow
def test_payments_go_on_and_happen_once(stacks: list[Stack], harm, shop: MadeMerchant, sandbox: str) -> None:
    paid: list[str] = []
    for stack in stacks:
        with client(stack, shop) as web, ThreadPoolExecutor(4) as crowd:
            told = [crowd.submit(story, web) for _ in range(PAYMENTS)]
            told[2].result()
            harm()
            paid += [one.result() for one in told]
    taken = charges(sandbox, shop)
    assert len(set(paid)) == len(paid) == 2 * PAYMENTS
    assert len(set(taken)) == len(taken) == 2 * PAYMENTS


@pytest.mark.slow
def test_a_replay_is_the_same_whoever_answered_first_and_whatever_became_of_redis(stacks: list[Stack], harm, shop: MadeMerchant) -> None:
    headers = [{"Idempotency-Key": str(uuid.uuid4())} for _ in range(10)]
    with client(stacks[0], shop) as hot, client(stacks[1], shop) as twin:
        first = [web.post("/v1/payment_intents", data=PAYMENT, headers=key) for key in headers for web in (hot,)]
        harm()
        again = [web.post("/v1/payment_intents", data=PAYMENT, headers=key) for key in headers for web in (twin, hot)]
        other = hot.post("/v1/payment_intents", data=PAYMENT | {"amount": "7"}, headers=headers[0])
    assert {answer.status_code for answer in (*first, *again)} == {200}
    assert [answer.content for answer in again] == [answer.content for answer in first for _ in range(2)]
    assert {answer.headers["idempotent-replayed"] for answer in again} == {"true"}
    assert other.status_code == 422


def elsewhere(stack: Stack, code: str, *arguments: str) -> None:
    """Another process of the product does it."""
    subprocess.run([sys.executable, "-c", CHANGE + code, *arguments], cwd=ROOT, env=stack.environment(), check=True)


CHANGES = {
    "a revoked key is refused": (
        lambda stack, shop, plan: elsewhere(stack, "services.revoke_key(key_id=UUID(sys.argv[1]))", str(shop.key_id)),
        lambda answer: answer.status_code == 401,
    ),
    "a new price is charged": (
        lambda stack, shop, plan: elsewhere(
            stack, "services.set_rate(plan=sys.argv[1], currency='*', method='card', basis_points=0, fixed_minor=99)", plan
        ),
        lambda answer: answer.json()["latest_charge"]["balance_transaction"]["fee"] == 99,
    ),
    "a limit holds": (
        lambda stack, shop, plan: elsewhere(
            stack, "services.change_settings(merchant_id=UUID(sys.argv[1]), changes={'limit_per_key': 7})", str(shop.id)
        ),
        lambda answer: answer.headers["ratelimit-limit"] == "7",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES)
def test_what_another_process_changed_holds_everywhere_within_a_second(stacks: list[Stack], harm, shop: MadeMerchant, change: str) -> None:
    plan = db.query(
        "SELECT p.name FROM merchants_pricing_plan p JOIN merchants_merchant m ON m.pricing_plan_id = p.id WHERE m.id = %s", [shop.id]
    )
    make, holds = CHANGES[change]
    webs = [client(stack, shop) for stack in stacks]
    expand = {"expand[]": "latest_charge.balance_transaction"}
    assert [pay(web, **expand).json()["latest_charge"]["balance_transaction"]["fee"] for web in webs] == [30, 30]
    harm()
    make(stacks[0], shop, plan[0]["name"])
    changed_at = time.monotonic()
    while time.monotonic() - changed_at < 1.0:
        [pay(web) for web in webs]
    assert [holds(pay(web, **expand)) for web in webs] == [True, True]
