"""Every contender of the benchmark does the work that it is measured by."""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import uuid4

import httpx
import pytest
from django.conf import settings

from apps.core import ids
from apps.ledger import services as ledger
from apps.ledger.domain import merchant_account, platform_account
from benchmarks import contenders
from benchmarks.contenders import Contender, Targets
from tests.conftest import ROOT, free_port, wait_for
from tests.stack import database_url

CARD = {"amount": 1999, "currency": "eur", "confirm": "true", "payment_method": "pm_card_visa", "return_url": "https://example.com/done"}


@dataclass
class Rival:
    """A running contender, and its targets."""

    client: httpx.Client
    targets: Targets
    order: str = field(default_factory=lambda: uuid4().hex)

    def get(self, path: str, who: int = 0) -> httpx.Response:
        return self.client.get(path, headers={"Authorization": f"Bearer {self.targets.keys[who]}"})

    def post(self, path: str, who: int = 0, key: str | None = None, **fields) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.targets.keys[who]}", "Idempotency-Key": key or uuid4().hex}
        return self.client.post(path, data=fields, headers=headers)

    def balance(self, kind: str, who: int = 0) -> int:
        return sum(part["amount"] for part in self.get("/v1/balance", who).json()[kind])


@pytest.fixture(scope="module")
def florin_targets(make_merchant) -> Targets:
    """Two merchants in Florin's tables, one with money."""
    payer, receiver = make_merchant(), make_merchant()
    moved = [(platform_account(False, "bank.bench", "eur"), 100_000), (merchant_account(payer.id, False, "available", "eur"), -100_000)]
    ledger.post(
        {
            "id": ids.new_id(), "kind": "adjustment", "booked_on": None, "source": f"bench_{payer.id}", "sequence": 0, "livemode": False,
            "metadata": {}, "postings": [{"account": account, "amount": amount} for account, amount in moved],
        }
    )  # fmt: skip
    return Targets([payer.secret, receiver.secret], [receiver.account], [])


@pytest.fixture(scope="module")
def surroundings(database: str, sandbox: str) -> Iterator[None]:
    """What the contenders find in the environment."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("DATABASE_URL", database_url(settings.DATABASES["default"]))
        patched.setenv("DATABASE_OWNER_URL", database_url(settings.OWNER_DATABASE))
        patched.setenv("SANDBOX_URL", sandbox)
        patched.setenv("WEB_CONCURRENCY", "1")
        yield
        contenders.clean()


@pytest.fixture(scope="module", params=contenders.ALL, ids=lambda contender: contender.name)
def rival(request, surroundings: None, florin_targets: Targets, tmp_path_factory) -> Iterator[Rival]:
    contender: Contender = request.param
    targets, port = contender.prepare(florin_targets), free_port()
    log = open(tmp_path_factory.mktemp("log") / "rival.log", "wb")
    process = subprocess.Popen(contender.command(port), cwd=ROOT, env=os.environ | contender.environment(), stdout=log, stderr=log)
    try:
        wait_for(f"http://127.0.0.1:{port}{contender.ready}", 30)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
            yield Rival(client, targets)
    finally:
        process.terminate()
        process.wait(20)
        log.close()


def test_a_new_intent_is_answered_kept_and_listed(rival: Rival) -> None:
    made = rival.post("/v1/payment_intents", **{"amount": 1999, "currency": "eur", "metadata[order]": rival.order})
    assert made.status_code == 200
    intent = made.json()
    assert (intent["status"], intent["amount"], intent["metadata"]) == ("requires_payment_method", 1999, {"order": rival.order})
    assert rival.get(f"/v1/payment_intents/{intent['id']}").json() == intent
    listed = rival.get("/v1/payment_intents?limit=20").json()
    assert (listed["object"], listed["data"][0]) == ("list", intent)


def test_a_repeated_request_is_answered_from_its_record(rival: Rival) -> None:
    key = uuid4().hex
    first = rival.post("/v1/payment_intents", key=key, amount=500, currency="eur")
    assert first.status_code == 200
    assert rival.post("/v1/payment_intents", key=key, amount=500, currency="eur").json() == first.json()
    assert rival.post("/v1/payment_intents", key=key, amount=501, currency="eur").status_code == 422


def test_a_transfer_takes_from_one_what_it_gives_to_the_other(rival: Rival) -> None:
    before = rival.balance("available"), rival.balance("available", who=1)
    made = rival.post("/v1/transfers", amount=700, currency="eur", destination=rival.targets.accounts[0])
    assert (made.status_code, made.json()["amount"]) == (200, 700)
    assert (rival.balance("available"), rival.balance("available", who=1)) == (before[0] - 700, before[1] + 700)


def test_a_transfer_beyond_the_balance_moves_nothing(rival: Rival) -> None:
    before = rival.balance("available"), rival.balance("available", who=1)
    refused = rival.post("/v1/transfers", amount=before[0] + 1, currency="eur", destination=rival.targets.accounts[0])
    assert 400 <= refused.status_code < 500
    assert (rival.balance("available"), rival.balance("available", who=1)) == before


def test_a_confirmed_payment_is_pending_less_its_fee(rival: Rival) -> None:
    before = rival.balance("pending", who=1)
    paid = rival.post("/v1/payment_intents", who=1, **CARD)
    assert (paid.status_code, paid.json()["status"], paid.json()["amount_received"]) == (200, "succeeded", 1999)
    expand = "expand[]=data.latest_charge.balance_transaction&expand[]=data.payment_method"
    listed = rival.get(f"/v1/payment_intents?limit=20&{expand}", who=1).json()["data"][0]
    booked = listed["latest_charge"]["balance_transaction"]
    assert (booked["amount"], listed["payment_method"]["card"]["last4"]) == (1999, "4242")
    assert rival.balance("pending", who=1) - before == booked["net"] == 1999 - booked["fee"] < 1999


def test_a_declined_card_takes_no_money(rival: Rival) -> None:
    before = rival.balance("pending", who=1)
    rival.post("/v1/payment_intents", who=1, **CARD | {"payment_method": "pm_card_chargeDeclined"})
    assert rival.get("/v1/payment_intents?limit=1", who=1).json()["data"][0]["status"] == "requires_payment_method"
    assert rival.balance("pending", who=1) == before


def test_nobody_gets_in_without_a_key(rival: Rival) -> None:
    assert rival.client.get("/v1/balance").status_code == 401
    assert rival.client.get("/v1/balance", headers={"Authorization": "Bearer sk_test_nobody"}).status_code == 401
