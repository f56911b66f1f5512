"""What a payment costs, and when its money is available."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.payments.domain.fees import available_on, fee_for


@pytest.mark.parametrize(
    ("amount", "basis_points", "fixed", "fee"),
    [
        (10_000, 290, 30, 320),  # 2.90 + 0.30
        (50, 290, 30, 31),  # 1.45 rounds to 1
        (150, 100, 0, 2),  # 1.5 rounds half to even
        (250, 100, 0, 2),  # 2.5 rounds half to even
        (5, 290, 30, 5),  # never more than the payment
        (1_000, 0, 0, 0),
    ],
)
def test_a_fee_is_the_percentage_half_even_plus_the_fixed_part(amount: int, basis_points: int, fixed: int, fee: int) -> None:
    assert fee_for(amount, basis_points=basis_points, fixed_minor=fixed) == fee


@given(st.integers(1, 10**11), st.integers(0, 10_000), st.integers(0, 10**6))
def test_a_fee_is_never_negative_and_never_more_than_the_payment(amount: int, basis_points: int, fixed: int) -> None:
    assert 0 <= fee_for(amount, basis_points=basis_points, fixed_minor=fixed) <= amount


@pytest.mark.parametrize(
    ("captured", "days", "available"),
    [
        (date(2026, 11, 2), 2, date(2026, 11, 4)),  # Monday to Wednesday
        (date(2026, 11, 5), 2, date(2026, 11, 9)),  # Thursday, over the weekend
        (date(2026, 11, 7), 2, date(2026, 11, 11)),  # a Saturday counts as the Monday after
        (date(2026, 11, 7), 0, date(2026, 11, 9)),
        (date(2026, 11, 2), 0, date(2026, 11, 2)),
        (date(2026, 12, 30), 3, date(2027, 1, 4)),
    ],
)
def test_money_is_available_after_business_days(captured: date, days: int, available: date) -> None:
    assert available_on(captured, business_days=days) == available


@given(st.dates(date(2020, 1, 1), date(2040, 1, 1)), st.integers(0, 60))
def test_money_is_never_available_on_a_weekend(captured: date, days: int) -> None:
    assert available_on(captured, business_days=days).weekday() < 5
