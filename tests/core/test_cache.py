"""Static data is cached, forgotten after a save, and right without Redis."""

import time

import pytest
from django.core.cache import cache as redis_cache
from django.test import override_settings

from apps.core import cache
from apps.core.flow import run
from apps.core.ids import new_id
from apps.merchants import flows, selectors, services
from apps.merchants.domain import Rate
from apps.merchants.errors import NoPrice
from apps.merchants.models import PricingPlan

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


def test_a_merchant_pays_the_rate_of_its_plan_for_the_currency(make_merchant):
    shop = make_merchant(plan=plan_with(eur=(140, 25), any=(290, 30)))
    assert selectors.pricing_for(merchant_id=shop.id, currency="eur") == Rate(140, 25, 2)
    assert run(flows.pricing(shop.id, "usd")) == Rate(290, 30, 2)


def test_a_new_rate_holds_from_its_commit(make_merchant):
    plan = plan_with(eur=(140, 25))
    shop = make_merchant(plan=plan)
    selectors.pricing_for(merchant_id=shop.id, currency="eur")
    services.set_rate(plan=plan, currency="eur", method="card", basis_points=90, fixed_minor=10)
    assert selectors.pricing_for(merchant_id=shop.id, currency="eur") == Rate(90, 10, 2)
    assert run(flows.pricing(shop.id, "eur")) == Rate(90, 10, 2)


def test_a_currency_without_a_rate_has_no_price(make_merchant):
    shop = make_merchant(plan=plan_with(eur=(140, 25)))
    with pytest.raises(NoPrice):
        selectors.pricing_for(merchant_id=shop.id, currency="usd")


def test_merchants_start_on_the_standard_plan(make_merchant):
    assert PricingPlan.objects.get(merchants__id=make_merchant().id).name == services.DEFAULT_PLAN
    assert selectors.pricing_for(merchant_id=make_merchant().id, currency="sek") == Rate(290, 30, 2)
