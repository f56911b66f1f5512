"""Hot answers that differ from the classic ones turn their endpoint classic, in the product as it runs:
two web processes that hand over what they answered, a worker whose classic path is wrong, and beat."""

import re
import time
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest
from django.urls import reverse

from apps.core.services import write_schedule
from apps.cutover import selectors, services
from apps.cutover.models import Change, Difference, Outcome
from config.schedule import POKES
from tests.cutover.test_admin import LIST, person, text_of
from tests.cutover.test_processes import NOWHERE
from tests.factories import MadeMerchant, new_merchant
from tests.stack import Stack

READ = "payment_intents.retrieve"
OURS = ("Compare hot answers with classic ones", "Turn failing endpoints classic")
# Of 20 answers half may differ: the eleventh difference is one too many, whatever the others come to.
LEAST, MOST_PERCENT, ENOUGH = 20, 50, 11
# docs/cutover.md: whoever finds a difference judges at once, and beat does every five seconds.
JUDGED_WITHIN_S = 5


@pytest.fixture(scope="module")
def webs(own_database, tmp_path_factory) -> Iterator[list[httpx.Client]]:
    """A client for each of two web processes, one of them without Redis; worker and beat run beside them."""
    write_schedule({name: (POKES[name].task, POKES[name].every_s) for name in OURS})
    with ExitStack() as stack:
        odd = Stack(tmp_path_factory.mktemp("work"), extra={"DJANGO_SETTINGS_MODULE": "tests.cutover.odd_settings"})
        stack.callback(odd.stop)
        odd.start("worker", "beat")
        clients = []
        for extra in ({}, {"REDIS_URL": NOWHERE}):
            running = Stack(tmp_path_factory.mktemp("web"), extra=extra | {"WEB_CONCURRENCY": "1", "SHADOW_READ_PERCENT": "100"})
            stack.callback(running.stop)
            clients.append(stack.enter_context(httpx.Client(base_url=running.start("web").base, timeout=20)))
        yield clients


@pytest.fixture(scope="module")
def shop(own_database) -> MadeMerchant:
    return new_merchant(settings={"limit_per_key": 100_000, "limit_per_merchant": 100_000})


@pytest.fixture(scope="module")
def turned(webs, shop) -> str:
    """The id of a payment that was read until both processes read it the classic way."""
    services.limit(endpoint=READ, min_compared=LEAST, max_difference_percent=MOST_PERCENT, actor="ada", reason="judge sooner")
    given = {"amount": 1_000, "currency": "eur"}
    intent = webs[0].post("/v1/payment_intents", json=given, headers=shop.auth).json()["id"]
    since = time.monotonic()
    while {way(web, shop, intent) for web in webs} != {"classic"}:
        assert time.monotonic() - since < 90
        time.sleep(0.05)
    return intent


def way(web: httpx.Client, shop: MadeMerchant, intent: str) -> str:
    reply = web.get(f"/v1/payment_intents/{intent}", headers=shop.auth)
    # The web processes' own classic path is right: only the comparison has another opinion.
    assert (reply.status_code, reply.json()["amount"]) == (200, 1_000)
    return "classic" if "x-frame-options" in reply.headers else "hot"


def test_it_is_turned_within_the_time_that_is_promised(turned) -> None:
    set_up, thrown = Change.objects.filter(endpoint=READ).order_by("id")
    # Ten seconds that began before the endpoint was last switched do not count.
    counted = [one for one in Difference.objects.filter(endpoint=READ) if one.read_at.timestamp() // 10 * 10 >= set_up.at.timestamp()]
    enough_at = sorted(one.compared_at for one in counted)[ENOUGH - 1]
    assert (thrown.at - enough_at).total_seconds() < JUDGED_WITHIN_S


def test_the_history_says_that_it_was_automatic_and_where_answers_differ(turned) -> None:
    last = Change.objects.filter(endpoint=READ, merchant_id=None).latest("id")
    assert (last.actor, last.before["hot_percent"], last.after["hot_percent"]) == (services.AUTOMATIC, None, 0)
    figures = re.fullmatch(
        r"automatic: (\d+) of (\d+) answers differ from the classic ones \(100\.0 %; at most 50 % may\), mostly in: amount", last.reason
    )
    assert figures is not None
    assert int(figures[1]) == int(figures[2]) >= ENOUGH


def test_nothing_failed_so_it_was_the_differences(turned) -> None:
    assert not Outcome.objects.filter(failures__gt=0).exists()


def test_both_bodies_are_kept_and_shown_side_by_side(turned) -> None:
    one = Difference.objects.filter(path=f"/v1/payment_intents/{turned}").latest("id")
    assert ('"amount":1000,' in one.hot_body, '"amount":1001,' in one.classic_body, one.what) == (True, True, "amount")
    shown = text_of(person("view_difference"), "admin:cutover_difference_change", one.id)
    assert ("<del>1000</del>" in shown, "<ins>1001</ins>" in shown) == (True, True)


def test_the_switches_say_why_and_lead_to_the_differences(turned) -> None:
    operator = person("view_switch", "change_switch", "view_change")
    shown = text_of(operator, LIST)
    assert f"<strong>{READ}</strong> was turned classic by itself" in shown
    assert "mostly in: amount" in shown
    assert f'{reverse("admin:cutover_difference_changelist")}?endpoint={READ}"' in shown


def test_it_stays_classic_until_a_person_turns_it_hot_and_what_was_before_does_not_count(turned, webs, shop) -> None:
    assert services.roll_back_where_due() == []
    services.limit(endpoint=READ, min_compared=100_000, actor="ada", reason="look at it longer")
    services.throw(endpoint=READ, hot_percent=100, actor="ada", reason="the twin was wrong")
    assert selectors.complaint(READ) is None
    while {way(web, shop, turned) for web in webs} != {"hot"}:
        time.sleep(0.05)
