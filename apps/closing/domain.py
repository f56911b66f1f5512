"""When a month may be closed, and by which steps."""

from datetime import date, timedelta

# In this order; each leaves its evidence. The state is the run's once the step is done.
STEPS = {
    "pre_check": "open",
    "cut_off": "cutoff",
    "trial_balance": "running",
    "lock": "running",
    "statements": "running",
    "finish": "closed",
}
TITLES = {
    "pre_check": "Pre-check",
    "cut_off": "Cut-off",
    "trial_balance": "Trial balance and invariants",
    "lock": "Lock",
    "statements": "Statements",
    "finish": "Finish",
}


def first_day(day: date) -> date:
    """The first day of the month in which `day` lies."""
    return day.replace(day=1)


def next_month(month: date) -> date:
    """The first day of the month after the one that starts on `month`."""
    return (month + timedelta(days=32)).replace(day=1)


def last_month(day: date) -> date:
    """The first day of the month before the one in which `day` lies."""
    return first_day(first_day(day) - timedelta(days=1))


def is_over(month: date, *, today: date) -> bool:
    """Whether the month lies wholly in the past."""
    return next_month(month) <= today


def due_on(month: date, *, working_day: int) -> date:
    """The day on which the month is closed by itself: its last day plus so many working days (Monday to
    Friday); 0 is the day after its end, whatever day that is."""
    day = next_month(month)
    left = working_day
    while left > 0:
        left -= day.weekday() < 5
        if left:
            day += timedelta(days=1)
    return day


def parse_month(text: str) -> date:
    """'2026-10' as its first day.  Raises: ValueError."""
    return date.fromisoformat(f"{text}-01")
