"""Pending money becomes available on its day, once."""

from datetime import date, timedelta

from apps.core import clock
from apps.payments import services
from apps.payments.domain.fees import available_on
from tests.payments.shop import Shop


def test_money_is_available_on_its_day_and_not_before(shop: Shop) -> None:
    shop.pay()
    day = available_on(clock.today(), business_days=2)
    services.release_funds(due=day - timedelta(days=1))
    assert shop.money() == (0, 9_680)
    services.release_funds(due=day)
    assert (shop.booked("available"), shop.booked("pending"), shop.money()) == (9_680, 0, (9_680, 0))


def test_releasing_twice_moves_it_once(shop: Shop) -> None:
    shop.pay()
    for _ in range(2):
        services.release_funds(due=date(2190, 1, 1))
    assert shop.money() == (9_680, 0)
    assert [row["released"] for row in shop.rows("payments_balance_transaction")] == [True]


def test_many_payments_are_released_in_batches(shop: Shop) -> None:
    for _ in range(5):
        shop.pay(1_000)
    assert services.release_funds(due=date(2190, 1, 1), batch=2) >= 5
    assert shop.money() == (5 * 941, 0)
