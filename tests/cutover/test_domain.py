"""Which way a request goes, on paper."""

from decimal import Decimal
from uuid import UUID

import pytest

from apps.core import ids
from apps.cutover.domain import ENDPOINTS, EVERY, Rule, Seen, Thresholds, complaint, plans

ADA, BOB = UUID(int=1), UUID(int=2)
CREATE, BALANCE = "payment_intents.create", "balance.retrieve"
LIMITS = Thresholds(max_error_percent=Decimal(5), min_requests=100, window_s=60, max_difference_percent=Decimal("0.5"), min_compared=200)


def hot(rules: list[Rule], endpoint: str, merchant: UUID, token: str = "key") -> bool:
    return plans(rules)[endpoint].is_hot(merchant, token)


def test_without_rules_everything_is_hot() -> None:
    assert all(hot([], endpoint, ADA) for endpoint in ENDPOINTS)


def test_the_most_specific_rule_wins() -> None:
    everything, ada = Rule(EVERY, None, 0), Rule(EVERY, ADA, 100)
    create, ada_create = Rule(CREATE, None, 0), Rule(CREATE, ADA, 100)
    assert not hot([everything], CREATE, ADA)
    assert hot([everything, ada], CREATE, ADA)
    assert not hot([everything, ada], CREATE, BOB)
    assert not hot([everything, ada, create], CREATE, ADA)
    assert hot([everything, ada, create], BALANCE, ADA)
    assert hot([everything, ada, create, ada_create], CREATE, ADA)
    assert not hot([everything, ada, create, ada_create], CREATE, BOB)


def test_a_retry_goes_the_way_of_the_first_try() -> None:
    half = [Rule(CREATE, None, 50)]
    keys = [f"order-{number}" for number in range(1_000)]
    assert [hot(half, CREATE, ADA, key) for key in keys] == [hot(half, CREATE, ADA, key) for key in keys]


@pytest.mark.parametrize("percent", [1, 10, 50, 90])
def test_the_share_is_about_what_was_asked_for(percent: int) -> None:
    went = sum(hot([Rule(CREATE, None, percent)], CREATE, ADA, f"order-{number}") for number in range(1_000))
    assert abs(went - 10 * percent) <= 30


def test_a_higher_share_takes_nobody_back() -> None:
    keys = [f"order-{number}" for number in range(1_000)]
    before = {key for key in keys if hot([Rule(CREATE, None, 20)], CREATE, ADA, key)}
    after = {key for key in keys if hot([Rule(CREATE, None, 30)], CREATE, ADA, key)}
    assert before < after


def test_merchants_are_spread_each_in_its_own_way() -> None:
    went = {merchant: hot([Rule(CREATE, None, 50)], CREATE, merchant, "order-1") for merchant in (ids.new_id() for _ in range(200))}
    assert 60 <= sum(went.values()) <= 140


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (Seen(), None),
        (Seen(5, 5, 60), None),
        (Seen(6, 6, 60), "6 of 6 hot requests failed within 60 s (100.0 %; at most 5 % may)"),
        (Seen(100, 5, 60), None),
        (Seen(100, 6, 90), "6 of 100 hot requests failed within 90 s (6.0 %; at most 5 % may)"),
        (Seen(121, 6, 60), None),
        (Seen(1_000, 0, 60, 1, 1), None),
        (Seen(1_000, 0, 60, 2, 2), "2 of 2 answers differ from the classic ones (100.0 %; at most 0.5 % may)"),
        (Seen(1_000, 0, 60, 200, 1), None),
        (Seen(1_000, 0, 60, 200, 2), "2 of 200 answers differ from the classic ones (1.0 %; at most 0.5 % may)"),
        (Seen(0, 0, 60, 200, 2, "fee"), "2 of 200 answers differ from the classic ones (1.0 %; at most 0.5 % may), mostly in: fee"),
    ],
)
def test_an_endpoint_is_judged_as_soon_as_the_rest_cannot_help_it(seen: Seen, words: str | None) -> None:
    assert complaint(LIMITS, seen) == words


def test_without_thresholds_nothing_is_too_much() -> None:
    never = Thresholds(max_error_percent=None, min_requests=1, window_s=60, max_difference_percent=None, min_compared=1)
    assert complaint(never, Seen(100, 100, 60, 100, 100)) is None
