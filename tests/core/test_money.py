"""Money: whole minor units, one rounding rule, parts that sum to the whole."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core import money
from apps.core.money import Money, MoneyError

minors = st.integers(min_value=-(2**62), max_value=2**62)
weights = st.lists(st.integers(min_value=0, max_value=10**9), min_size=1, max_size=20).filter(any)


@given(minors, weights)
def test_the_parts_of_an_allocation_sum_to_the_whole(total: int, by: list[int]) -> None:
    assert sum(money.allocate(total, by)) == total


@given(minors, weights)
def test_no_part_is_more_than_one_unit_from_its_exact_share(total: int, by: list[int]) -> None:
    exact = [Decimal(total) * weight / sum(by) for weight in by]
    assert all(abs(part - share) < 1 for part, share in zip(money.allocate(total, by), exact, strict=True))


def test_the_largest_remainders_get_the_odd_units() -> None:
    assert money.allocate(100, [1, 1, 1]) == [34, 33, 33]
    assert money.allocate(-5, [3, 7]) == [-2, -3]


@pytest.mark.parametrize("by", [[], [0, 0], [2, -1]])
def test_weights_that_share_nothing_out_are_refused(by: list[int]) -> None:
    with pytest.raises((MoneyError, ValueError)):
        money.allocate(10, by)


@pytest.mark.parametrize(
    ("minor", "points", "fee"), [(1000, 290, 29), (50, 100, 0), (150, 100, 2), (250, 100, 2), (-150, 100, -2), (1, 1, 0)]
)
def test_a_percentage_is_rounded_half_to_even(minor: int, points: int, fee: int) -> None:
    assert money.percent_half_even(minor, points) == fee


@given(minors, st.sampled_from(sorted(money.CURRENCIES)))
def test_major_units_round_trip_in_every_currency(minor: int, currency: str) -> None:
    assert money.from_major(str(money.to_major(minor, currency)), currency) == minor


@pytest.mark.parametrize(
    ("text", "currency"), [("10.505", "eur"), ("1.5", "jpy"), ("NaN", "eur"), ("inf", "eur"), ("1,50", "eur"), ("", "eur")]
)
def test_what_is_not_a_whole_count_of_minor_units_is_refused(text: str, currency: str) -> None:
    with pytest.raises(MoneyError):
        money.from_major(text, currency)


def test_currencies_do_not_mix() -> None:
    with pytest.raises(MoneyError):
        Money(1, "eur") + Money(1, "usd")


@pytest.mark.parametrize("minor", [1.0, True, "1", Decimal(1)])
def test_an_amount_is_an_int_and_nothing_else(minor: object) -> None:
    with pytest.raises(MoneyError):
        Money(minor, "eur")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("minor", "currency", "shown"), [(105050, "eur", "€1,050.50"), (1050, "jpy", "¥1,050"), (1050, "kwd", "KWD\xa01.050")]
)
def test_people_see_the_currencys_own_digits(minor: int, currency: str, shown: str) -> None:
    assert money.format_money(minor, currency) == shown
