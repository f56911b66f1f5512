"""Static data is cached, forgotten after a save, and right without Redis."""

import time
from types import SimpleNamespace

import pytest
from asgiref.sync import sync_to_async
from django.core.cache import cache as redis_cache
from django.db import transaction
from django.test import override_settings

from apps.core.caching import cache
from apps.core.flow import arun, run
from apps.core.ids import new_id
from apps.merchants import flows, services
from apps.merchants.domain import Rate
from apps.merchants.errors import NoPrice
from apps.merchants.models import Merchant, PricingPlan, PricingRate

AWAY = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": "redis://127.0.0.1:1/0",
        "OPTIONS": {"SOCKET_CONNECT_TIMEOUT": 0.05, "SOCKET_TIMEOUT": 0.05},
    }
}


@pytest.fixture(autouse=True)
def fresh():
    cache.forget()


def topic() -> str:
    return f"test.{new_id()}"


def other_process() -> None:
    """What follows sees Redis but none of this process's memory."""
    cache._values.clear()


def test_a_value_is_read_once_and_then_remembered():
    reads, name = [], topic()
    for _ in range(3):
        assert cache.through(name, "k", lambda: reads.append(1) or {"n": len(reads)}) == {"n": 1}
    other_process()
    assert cache.through(name, "k", lambda: {"n": 99}) == {"n": 1}


def test_a_change_makes_every_value_of_the_topic_new():
    name, other = topic(), topic()
    cache.through(name, "k", lambda: 1)
    cache.through(other, "k", lambda: 1)
    cache.changed(name)
    assert cache.through(name, "k", lambda: 2) == 2
    other_process()
    assert (cache.through(name, "k", lambda: 3), cache.through(other, "k", lambda: 3)) == (2, 1)


def test_a_value_read_before_a_change_is_not_stored_after_it():
    name = topic()

    def read_while_it_changes():
        cache.changed(name)
        return "old"

    assert cache.through(name, "k", read_while_it_changes) == "old"
    other_process()
    assert cache.through(name, "k", lambda: "new") == "new"


def test_another_process_sees_a_change_within_a_second():
    name = topic()
    cache.through(name, "k", lambda: "old")
    redis_cache.set(f"{name}:version", time.time_ns(), timeout=None)
    time.sleep(cache.FRESH_S + 0.05)
    assert cache.through(name, "k", lambda: "new") == "new"


def test_a_flushed_redis_only_means_reading_again():
    name = topic()
    cache.through(name, "k", lambda: 1)
    redis_cache.delete_pattern(f"{name}*")
    other_process()
    assert cache.through(name, "k", lambda: 2) == 2


@override_settings(CACHES=AWAY)
def test_without_redis_values_come_from_the_source():
    name = topic()
    started = time.monotonic()
    assert [cache.through(name, str(n), lambda n=n: n + 1) for n in range(50)] == list(range(1, 51))
    cache.changed(name)
    assert cache.through(name, "0", lambda: 7) == 7
    assert time.monotonic() - started < 1.0


def plan_with(**rates: tuple[int, int]) -> str:
    name = f"plan {new_id()}"
    for currency, (basis_points, fixed_minor) in rates.items():
        services.set_rate(
            plan=name, currency="*" if currency == "any" else currency, method="card", basis_points=basis_points, fixed_minor=fixed_minor
        )
    return name


def price(*, merchant_id, currency: str) -> Rate:
    return run(flows.pricing(merchant_id, currency))


def test_a_merchant_pays_the_rate_of_its_plan_for_the_currency(make_merchant):
    shop = make_merchant(plan=plan_with(eur=(140, 25), any=(290, 30)))
    assert price(merchant_id=shop.id, currency="eur") == Rate(140, 25, 2)
    assert price(merchant_id=shop.id, currency="usd") == Rate(290, 30, 2)


async def test_a_new_rate_holds_from_its_commit(make_merchant):
    plan = await sync_to_async(plan_with)(eur=(140, 25))
    shop = await sync_to_async(make_merchant)(plan=plan)
    assert await arun(flows.pricing(shop.id, "eur")) == Rate(140, 25, 2)
    await sync_to_async(services.set_rate)(plan=plan, currency="eur", method="card", basis_points=90, fixed_minor=10)
    assert await arun(flows.pricing(shop.id, "eur")) == Rate(90, 10, 2)
    other_process()
    assert await sync_to_async(price)(merchant_id=shop.id, currency="eur") == Rate(90, 10, 2)


WRITES = {
    "save": lambda rate: (setattr(rate, "fixed_minor", 1), rate.save()),
    "update of many": lambda rate: PricingRate.objects.filter(id=rate.id).update(fixed_minor=1),
    "update through the plan": lambda rate: rate.plan.rates.update(fixed_minor=1),
    "bulk update": lambda rate: (setattr(rate, "fixed_minor", 1), PricingRate.objects.bulk_update([rate], ["fixed_minor"])),
    "delete": lambda rate: rate.delete(),
    "delete of many": lambda rate: PricingRate.objects.filter(id=rate.id).delete(),
    "bulk creation": lambda rate: PricingRate.objects.bulk_create(
        [PricingRate(plan=rate.plan, currency="eur", basis_points=0, fixed_minor=1)]
    ),
    "another plan": lambda rate: Merchant.objects.filter(pricing_plan=rate.plan).update(
        pricing_plan=PricingPlan.objects.get(name=services.DEFAULT_PLAN)
    ),
    "the plan's own days": lambda rate: PricingPlan.objects.filter(id=rate.plan_id).update(availability_days=9),
}


@pytest.mark.parametrize("write", WRITES)
def test_however_a_price_is_written_the_next_payment_has_it(make_merchant, write):
    plan = plan_with(any=(140, 25))
    shop = make_merchant(plan=plan)
    assert price(merchant_id=shop.id, currency="eur") == Rate(140, 25, 2)
    with transaction.atomic():
        WRITES[write](PricingRate.objects.get(plan__name=plan))
        assert price(merchant_id=shop.id, currency="eur") == Rate(140, 25, 2), "not before the commit"
    other_process()
    if write.startswith("delete"):
        with pytest.raises(NoPrice):
            price(merchant_id=shop.id, currency="eur")
    else:
        assert price(merchant_id=shop.id, currency="eur") != Rate(140, 25, 2)


def test_a_merchant_that_was_seen_is_not_looked_for_again(make_merchant):
    shop = make_merchant()
    assert run(flows.exists(shop.id))
    with pytest.raises(StopIteration) as end:
        next(flows.exists(shop.id))
    assert end.value.value is True
    assert not run(flows.exists(new_id()))


def test_before_a_value_is_too_old_one_reads_it_anew_and_the_others_go_on_with_it(monkeypatch):
    name = topic()
    cache.remember(name, "k", "old")
    at = time.monotonic() + 0.9
    monkeypatch.setattr(cache, "time", SimpleNamespace(monotonic=lambda: at))
    assert [cache.remembered(name, "k") for _ in range(3)] == [None, "old", "old"]
    cache.remember(name, "k", "new")
    assert cache.remembered(name, "k") == "new"
    monkeypatch.setattr(cache, "time", SimpleNamespace(monotonic=lambda: at + 1.01))
    assert cache.remembered(name, "k") is None


def test_what_is_not_there_is_looked_for_each_time():
    name = topic()
    assert [cache.through(name, "k", lambda: []), cache.through(name, "k", lambda: [1])] == [[], [1]]


def test_a_currency_without_a_rate_has_no_price(make_merchant):
    shop = make_merchant(plan=plan_with(eur=(140, 25)))
    with pytest.raises(NoPrice):
        price(merchant_id=shop.id, currency="usd")


def test_merchants_start_on_the_standard_plan(make_merchant):
    assert PricingPlan.objects.get(merchants__id=make_merchant().id).name == services.DEFAULT_PLAN
    assert price(merchant_id=make_merchant().id, currency="sek") == Rate(290, 30, 2)
