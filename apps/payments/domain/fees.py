"""What a payment costs the merchant, and when its money becomes available."""

from datetime import date, timedelta
from functools import lru_cache

from apps.core.money import percent_half_even

_SATURDAY = 5


def fee_for(amount: int, *, basis_points: int, fixed_minor: int) -> int:
    """Minor units kept of a captured `amount`: the percentage, rounded half to even, plus the fixed
    part. Never more than the amount itself: a payment of 5 cents costs 5 cents, not 30."""
    return max(0, min(amount, percent_half_even(amount, basis_points) + fixed_minor))


@lru_cache(maxsize=256)
def available_on(captured: date, *, business_days: int) -> date:
    """The day `business_days` after `captured`, counting Mondays to Fridays only. With 0 it is the
    same day, or the Monday after a weekend."""
    day = captured
    while day.weekday() >= _SATURDAY:
        day += timedelta(days=1)
    for _ in range(business_days):
        day += timedelta(days=1)
        while day.weekday() >= _SATURDAY:
            day += timedelta(days=1)
    return day
