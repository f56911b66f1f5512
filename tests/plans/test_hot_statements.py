"""No hot request reads a large table from end to end, whatever functions and triggers it calls.

PostgreSQL counts the scans of a transaction, those inside functions, triggers and foreign keys included;
so the requests themselves are made, on tables with a history, often enough for the plans that are kept.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import psycopg
import pytest
from django.conf import settings
from django.db import transaction
from psycopg import sql

from apps.core import db
from apps.core.api.lists import keyset
from apps.core.api.types import CreatedRange
from apps.core.db import pipeline
from apps.core.flow import Sql, Tuples, _perform, run
from apps.merchants import selectors
from apps.merchants.domain import Caller, hashed
from apps.payments import flows
from apps.payments.domain import requests
from apps.payments.flows import reading
from apps.payments.models import PaymentIntent
from benchmarks import ground
from benchmarks.history import SEED, loading, people
from benchmarks.history.payments import Plan
from tests.factories import new_merchant
from tests.payments.shop import Shop

PAYMENTS = 4_000
# From the sixth time on PostgreSQL may keep a plan for all parameters.
TIMES = 7
BATCH = 16
RELATIONS = frozenset({"customer", "payment_method", "latest_charge", "latest_charge.balance_transaction"})
SMALL = {"merchants_merchant", "merchants_pricing_plan", "merchants_pricing_rate", "ledger_period", "ledger_account_kind", "core_clock"}

_KEYS = """
INSERT INTO merchants_api_key (id, merchant_id, livemode, prefix, last4, scopes, created, sha256)
SELECT uuidv7(), m.id, false, 'sk_test_', '0000', '{}', now(), sha256(convert_to(m.id::text || n, 'UTF8'))
FROM merchants_merchant m, generate_series(1, 20) n;
ANALYZE merchants_api_key, merchants_merchant"""


@pytest.fixture(scope="module")
def year(own_database: str) -> None:
    """A year of payments of 200 merchants, and its statistics."""
    until = datetime.combine(datetime.now(UTC).date(), datetime.min.time(), UTC)
    wanted = Plan(SEED, PAYMENTS, until - timedelta(days=365), until, until - timedelta(days=30), PAYMENTS)
    with psycopg.connect(settings.DATABASE_OWNER_DSN, autocommit=True) as owner:
        plan, done = loading.resumed(owner, wanted)
        loading.make_ready(owner, plan)
        loading.load(owner, plan, done)
        loading.tidy(owner)
        owner.execute(_KEYS)


@pytest.fixture(scope="module")
def shops(year: None, sandbox: str) -> tuple[Shop, Shop]:
    """One with money and payments of its own, and one to pay to."""
    shop, other = Shop(new_merchant()), Shop(new_merchant())
    ground.endow(shop.merchant.id)
    for _ in range(3):
        shop.pay()
    return shop, other


@pytest.fixture
def scans(shops: tuple[Shop, Shop]) -> Iterator[Callable[[], dict[str, int]]]:
    """How often each large table was read from end to end since the test began."""
    with transaction.atomic():
        before = counted()
        yield lambda: {table: scans - before.get(table, 0) for table, scans in counted().items() if scans > before.get(table, 0)}
        transaction.set_rollback(True)


def counted() -> dict[str, int]:
    """What this connection has not handed on to the statistics yet, and so everything of this transaction."""
    rows = db.query("SELECT relname, seq_scan FROM pg_stat_xact_user_tables WHERE seq_scan > 0")
    return {row["relname"]: row["seq_scan"] for row in rows if row["relname"] not in SMALL}


def page(shop: Shop, **params: object) -> list[bytes]:
    at = keyset(requests.ListPaymentIntents(limit=20, **params), prefix="pi", column="i.id", created="i.created")  # type: ignore[arg-type]
    return run(flows.list_payment_intents(shop.caller, at, RELATIONS, customer_id=None))


def newest(shop: Shop) -> str:
    found: str = orjson.loads(page(shop)[0])["id"]
    return found


WRITES: dict[str, Callable[[Shop, Shop], object]] = {
    "create": lambda shop, other: shop.create(),
    "create and confirm": lambda shop, other: shop.pay(),
    "confirm": lambda shop, other: shop.confirm(shop.create(), payment_method="pm_card_visa"),
    "capture": lambda shop, other: shop.capture(shop.hold()),
    "cancel": lambda shop, other: shop.cancel(shop.hold()),
    "refund": lambda shop, other: shop.refund(shop.pay()),
    "transfer": lambda shop, other: shop.transfer(other, 1),
    "replay": lambda shop, other: [shop.create(key="again") for _ in range(2)],
}
READS: dict[str, Callable[[Shop, Shop], object]] = {
    "get": lambda shop, other: shop.look({"id": newest(shop)}, *RELATIONS),
    "list": lambda shop, other: page(shop),
    "next page": lambda shop, other: page(shop, starting_after=newest(shop)),
    "balance": lambda shop, other: run(flows.retrieve_balance(shop.caller)),
    "key": lambda shop, other: db.query(selectors.KEYS_BY_HASH, {"hashes": [hashed(shop.merchant.secret), hashed(other.merchant.secret)]}),
}
REQUESTS = WRITES | READS


@pytest.mark.parametrize("request_", REQUESTS)
def test_a_hot_request_scans_no_large_table(shops: tuple[Shop, Shop], scans: Callable[[], dict[str, int]], request_: str) -> None:
    for _ in range(TIMES):
        REQUESTS[request_](*shops)
    assert scans() == {}


@pytest.mark.parametrize("kind", ["create", "confirm", "transfer"])
def test_a_batch_scans_no_large_table(shops: tuple[Shop, Shop], scans: Callable[[], dict[str, int]], kind: str) -> None:
    for _ in range(TIMES):
        steps = [first_command(kind, *shops) for _ in range(BATCH)]
        outcomes = db.call(steps[0].function, [step.command for step in steps])
        assert all("ok" in outcome for outcome in outcomes), outcomes
    assert scans() == {}


def first_command(kind: str, shop: Shop, other: Shop) -> Sql:
    """What the request sends to its first write function."""
    if kind == "transfer":
        params = {"destination": other.merchant.account, "amount": 1, "currency": "eur"}
        flow = shop.begin(flows.create_transfer, requests.CreateTransfer, **params)
    else:
        more = {"confirm": True, "payment_method": "pm_card_visa"} if kind == "confirm" else {}
        flow = shop.begin(flows.create_payment_intent, requests.CreatePaymentIntent, amount=100, currency="eur", **more)
    step = next(flow)
    while not isinstance(step, Sql):
        step = flow.send(_perform(step))
    return step


PAGES: dict[str, dict[str, Any]] = {
    "first": {},
    "next": {"starting_after": "pi_" + "0" * 26},
    "previous": {"ending_before": "pi_" + "0" * 26},
    "by time": {"created": CreatedRange(lt=1)},
}


@pytest.mark.parametrize("is_known", [False, True], ids=["whole", "versions"])
@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("customer_id", [None, UUID(int=0)], ids=["of all", "of a customer"])
def test_a_page_planned_for_any_merchant_follows_the_merchants_index(
    year: None, name: str, customer_id: UUID | None, is_known: bool
) -> None:
    at = keyset(requests.ListPaymentIntents(limit=20, **PAGES[name]), prefix="pi", column="i.id", created="i.created")
    caller = Caller(UUID(int=0), False, UUID(int=0), frozenset(), "req_test")
    reading._read_again.keep((caller.merchant_id, caller.livemode, RELATIONS), is_known, 1)
    step = next(flows.list_payment_intents(caller, at, RELATIONS, customer_id=customer_id))
    assert isinstance(step, Tuples)
    assert ("i.amount" in step.statement) == (not is_known)
    text, _ = pipeline._numbered(step.statement)
    with psycopg.connect(settings.HOT_DATABASE_DSN, options=pipeline._PLAN_ONCE) as line:
        plan = "\n".join(row[0] for row in line.execute(b"EXPLAIN (GENERIC_PLAN) " + text))
    assert "Sort" not in plan, plan
    assert "Seq Scan" not in plan, plan
    assert ("payments_intent_of_customer" if customer_id else "payments_intent_of_merchant") in plan, plan


BETWEEN = {
    "a day long ago": lambda day: CreatedRange(gte=day, lt=day + 86_400),
    "until long ago": lambda day: CreatedRange(lt=day),
    "before there was anything": lambda day: CreatedRange(lt=1),
    "since tomorrow": lambda day: CreatedRange(gt=day + 10**9),
}


@pytest.mark.parametrize("is_known", [False, True], ids=["whole", "versions"])
@pytest.mark.parametrize("name", BETWEEN)
def test_a_page_by_time_reads_no_rows_of_another_time(year: None, settings: Any, name: str, is_known: bool) -> None:
    settings.CLOCK_MAY_MOVE = False
    largest = people.merchants(SEED)[0].id
    between = BETWEEN[name](int((datetime.now(UTC) - timedelta(days=300)).timestamp()))
    params = requests.ListPaymentIntents(limit=20, created=between)
    at = keyset(params, prefix="pi", column="i.id", created="i.created", ids_are=PaymentIntent.ids_are)
    caller = Caller(largest, False, UUID(int=0), frozenset(), "req_test")
    reading._read_again.keep((largest, False, RELATIONS), is_known, 1)
    step = next(flows.list_payment_intents(caller, at, RELATIONS, customer_id=None))
    text, names = pipeline._numbered(step.statement)
    values = sql.SQL(", ").join(sql.Literal(step.params[name]) for name in names)
    with psycopg.connect(settings.HOT_DATABASE_DSN, options=pipeline._PLAN_ONCE) as line:
        line.execute(b"PREPARE page AS " + text)
        plan = line.execute(sql.SQL("EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE page ({})").format(values)).fetchone()[0][0]["Plan"]
    assert sum(read_in_vain(plan)) <= 2, plan


def read_in_vain(plan: dict[str, Any]) -> Iterator[int]:
    yield plan.get("Rows Removed by Filter", 0)
    for inner in plan.get("Plans", ()):
        yield from read_in_vain(inner)


def test_a_scan_is_seen(scans: Callable[[], dict[str, int]]) -> None:
    db.query("SELECT count(*) FROM payments_intent WHERE description = 'no index knows it'")
    assert scans() == {"payments_intent": 1}
