"""Throwing switches, by service and by command."""

import io
import re
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from apps.core import ids
from apps.core.errors import InvalidRequest, NotFound
from apps.cutover import selectors, services
from apps.cutover.domain import ENDPOINTS, Rule
from apps.cutover.models import Change, Outcome

CREATE, BALANCE = "payment_intents.create", "balance.retrieve"
BY = {"actor": "ada", "reason": "a test"}


@pytest.fixture
def shop(make_merchant):
    return make_merchant()


def rules_of(shop) -> dict[str, int]:
    return {rule.endpoint: rule.hot_percent for rule in selectors.rules() if rule.merchant_id == shop.id}


def command(*arguments: str) -> str:
    out = io.StringIO()
    call_command("cutover", *arguments, stdout=out)
    return out.getvalue()


def test_a_switch_is_thrown_once(shop) -> None:
    thrown = [services.throw(endpoint=BALANCE, merchant_id=shop.id, hot_percent=25, **BY) for _ in range(2)]
    assert thrown == [True, False]
    assert rules_of(shop) == {BALANCE: 25}
    assert Change.objects.get(merchant_id=shop.id).what == f"{BALANCE} for {shop.account}: no say → 25 % hot"


def test_a_switch_without_a_say_leaves_it_to_the_others(shop) -> None:
    services.throw(endpoint=BALANCE, merchant_id=shop.id, hot_percent=25, **BY)
    services.throw(endpoint=BALANCE, merchant_id=shop.id, hot_percent=None, **BY)
    assert rules_of(shop) == {}
    assert Change.objects.filter(merchant_id=shop.id).count() == 2


def test_an_unknown_endpoint_is_refused_with_the_names_there_are(shop) -> None:
    with pytest.raises(InvalidRequest) as refused:
        services.throw(endpoint="payments.create", hot_percent=0, merchant_id=shop.id, **BY)
    assert "there is no 'payments.create'" in refused.value.text
    assert all(name in refused.value.text for name in ENDPOINTS)
    assert rules_of(shop) == {}


@pytest.mark.parametrize("wrong", [{"reason": " "}, {"reason": "x" * 501}, {"hot_percent": 101}, {"hot_percent": -1}])
def test_a_change_without_sense_or_reason_is_refused(shop, wrong) -> None:
    with pytest.raises(InvalidRequest):
        services.throw(**({"endpoint": BALANCE, "merchant_id": shop.id, "hot_percent": 0} | BY | wrong))
    assert not Change.objects.filter(merchant_id=shop.id).exists()


def test_nobody_is_no_merchant(database) -> None:
    nobody = ids.new_id()
    with pytest.raises(NotFound):
        services.throw(endpoint=BALANCE, merchant_id=nobody, hot_percent=0, **BY)
    assert not Change.objects.filter(merchant_id=nobody).exists()


@pytest.mark.parametrize(
    ("thrown", "apart"),
    [
        (("*", None, 0), {"balance.retrieve", "balance.retrieve ada", "payment_intents.create", "* bob"}),
        ((BALANCE, None, 0), {"balance.retrieve ada"}),
        ((BALANCE, None, 100), set()),
        (("*", "ada", 0), {"balance.retrieve", "balance.retrieve ada", "payment_intents.create"}),
        (("*", "bob", 50), {"balance.retrieve", "payment_intents.create"}),
        ((BALANCE, "ada", 0), set()),
        (("*", None, None), set()),
    ],
)
def test_what_a_switch_does_not_reach(scratch_database, make_merchant, thrown, apart) -> None:
    shops = {"ada": make_merchant().id, "bob": make_merchant().id, None: None}
    named = {id: f" {name}" for name, id in shops.items() if name} | {None: ""}
    said = [(BALANCE, None, 25), (BALANCE, "ada", 100), (CREATE, None, 75), ("*", "bob", 100), ("refunds.create", None, None), thrown]
    for endpoint, name, percent in said:
        services.throw(endpoint=endpoint, merchant_id=shops[name], hot_percent=percent, **BY)
    found = selectors.out_of_reach(thrown[0], shops[thrown[1]])
    assert {f"{one.endpoint}{named[one.merchant_id]}" for one in found} == apart


def test_a_rollback_moves_whatever_was_said(scratch_database, make_merchant) -> None:
    ada, bob = make_merchant(), make_merchant()
    for endpoint, merchant, percent in [(CREATE, None, 50), (CREATE, ada.id, 100), ("*", bob.id, 100), (BALANCE, ada.id, None)]:
        services.throw(endpoint=endpoint, merchant_id=merchant, hot_percent=percent, **BY)
    services.roll_back(endpoint=CREATE, to="classic", **BY)
    assert selectors.rules() == [Rule("*", bob.id, 100), Rule(CREATE, None, 0), Rule(CREATE, ada.id, 0)]
    services.roll_back(to="classic", **BY)
    assert selectors.rules() == [Rule("*", None, 0), Rule("*", bob.id, 0), Rule(CREATE, None, 0), Rule(CREATE, ada.id, 0)]
    assert services.roll_back(to="classic", **BY) == 0
    assert services.roll_back(to="hot", **BY) == 4
    assert {rule.hot_percent for rule in selectors.rules()} == {100}


def test_failures_before_the_last_switch_do_not_count(scratch_database) -> None:
    services.limit(endpoint=BALANCE, min_requests=1, **BY)
    changed = selectors.switch(BALANCE).changed_at
    Outcome.objects.create(at=changed.replace(microsecond=0), endpoint=BALANCE, path="hot", requests=9, failures=9)
    assert services.roll_back_where_due() == []
    Outcome.objects.create(at=changed, endpoint=BALANCE, path="hot", requests=9, failures=9)
    assert services.roll_back_where_due() == [BALANCE]
    assert selectors.rules() == [Rule(BALANCE, None, 0)]


def count(requests: int, failures: int, minutes_ago: float) -> None:
    at = timezone.now() - timedelta(minutes=minutes_ago)
    Outcome.objects.create(at=at, endpoint=BALANCE, path="hot", requests=requests, failures=failures)


def test_one_that_is_hardly_asked_is_judged_by_what_it_did_in_the_last_hour(scratch_database) -> None:
    count(10, 6, minutes_ago=61)
    for minutes_ago in (50, 40, 30, 20, 10):
        count(1, 1, minutes_ago)
    assert services.roll_back_where_due() == []
    count(1, 1, minutes_ago=0)
    assert services.roll_back_where_due() == [BALANCE]
    assert re.search(r"6 of 6 hot requests failed within 300\d s \(100.0 %", selectors.switch(BALANCE).reason)


def test_one_that_is_asked_often_is_not_blamed_for_what_is_long_past(scratch_database) -> None:
    count(100, 50, minutes_ago=2)
    count(95, 2, minutes_ago=0.5)
    count(5, 0, minutes_ago=0)
    assert services.roll_back_where_due() == []
    count(20, 4, minutes_ago=0.1)
    assert services.roll_back_where_due() == []
    count(1, 1, minutes_ago=0.2)
    assert services.roll_back_where_due() == [BALANCE]


def test_failures_of_the_classic_path_throw_nothing(scratch_database) -> None:
    services.limit(endpoint=BALANCE, min_requests=1, **BY)
    changed = selectors.switch(BALANCE).changed_at
    Outcome.objects.create(at=changed, endpoint=BALANCE, path="classic", requests=9, failures=9)
    assert services.roll_back_where_due() == []


@pytest.mark.parametrize(
    "wrong", [{"min_requests": 0}, {"window_s": 4}, {"window_s": 3601}, {"max_error_percent": -1}, {"max_difference_percent": 101}]
)
def test_a_threshold_that_means_nothing_is_refused(database, wrong) -> None:
    before = Change.objects.filter(endpoint=CREATE).count()
    with pytest.raises(InvalidRequest):
        services.limit(endpoint=CREATE, **wrong, **BY)
    assert Change.objects.filter(endpoint=CREATE).count() == before


def test_the_command_throws_and_shows(shop) -> None:
    said = command("set", BALANCE, "hot", "--percent", "10", "--merchant", shop.account, "--reason", "a pilot", "--by", "bob")
    assert rules_of(shop) == {BALANCE: 10}
    assert "Thrown; every process follows within a second." in said
    line = next(line for line in said.splitlines() if shop.account in line)
    assert line.split() == [BALANCE, "10", "%", "hot", shop.account, "bob:", "a", "pilot"]
    assert "It was so already." in command("set", BALANCE, "classic", "--percent", "90", "--merchant", shop.account, "--reason", "x")


def test_the_command_shows_each_endpoint_once(scratch_database) -> None:
    services.roll_back(endpoint=BALANCE, to="classic", actor=services.AUTOMATIC, reason="automatic: it failed")
    shown = command("show").splitlines()
    assert [line.split()[0] for line in shown] == list(ENDPOINTS)
    assert shown[-1].split()[1] == "classic"
    assert shown[-1].endswith("  automatic: it failed")


def test_the_command_says_what_is_wrong(shop) -> None:
    with pytest.raises(CommandError, match=r"there is no 'balance'. There are: payment_intents.create, "):
        command("set", "balance", "hot", "--reason", "x")
    with pytest.raises(CommandError, match="--reason"):
        command("rollback", "classic")
    assert rules_of(shop) == {}


def test_the_command_says_whom_a_switch_does_not_reach(shop) -> None:
    services.throw(endpoint=BALANCE, merchant_id=shop.id, hot_percent=25, **BY)
    said = command("set", "*", "classic", "--merchant", shop.account, "--reason", "x")
    assert f"Not reached, because they have a switch of their own: {BALANCE} for {shop.account} (25 % hot)." in said
