from datetime import date

import pytest

from apps.closing import domain


@pytest.mark.parametrize(
    ("day", "month"), [(date(2026, 11, 1), date(2026, 10, 1)), (date(2027, 1, 31), date(2026, 12, 1)), (date(2024, 3, 1), date(2024, 2, 1))]
)
def test_last_month(day, month):
    assert domain.last_month(day) == month


@pytest.mark.parametrize(("today", "over"), [(date(2024, 2, 29), False), (date(2024, 3, 1), True), (date(2023, 12, 1), False)])
def test_a_month_is_over_on_the_first_of_the_next(today, over):
    assert domain.is_over(date(2024, 2, 1), today=today) is over


@pytest.mark.parametrize(
    ("month", "working_day", "due"),
    [
        (date(2026, 10, 1), 0, date(2026, 11, 1)),  # a Sunday
        (date(2026, 10, 1), 1, date(2026, 11, 2)),
        (date(2026, 10, 1), 3, date(2026, 11, 4)),
        (date(2026, 9, 1), 1, date(2026, 10, 1)),  # a Thursday
        (date(2026, 9, 1), 3, date(2026, 10, 5)),
    ],
)
def test_a_month_is_due_on_the_nth_working_day(month, working_day, due):
    assert domain.due_on(month, working_day=working_day) == due


@pytest.mark.parametrize("text", ["2026", "2026-13", "2026-1", "October", "2026-10-01", ""])
def test_what_is_no_month_is_refused(text):
    with pytest.raises(ValueError, match=r".+"):
        domain.parse_month(text)
