"""Differences in the back office, and the command."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse

from apps.core import db, ids
from apps.cutover import selectors, services
from apps.cutover.api import shadowing
from apps.cutover.models import Difference, ShadowRate, Tally
from tests.cutover.test_admin import LIST as SWITCHES
from tests.cutover.test_admin import person, text_of

LIST, ONE = "admin:cutover_difference_changelist", "admin:cutover_difference_change"
BALANCE = "balance.retrieve"
XSS = "<script>alert(1)</script>"


def difference(**details) -> Difference:
    about = {"endpoint": BALANCE, "merchant_id": ids.new_id(), "livemode": False, "request_id": "req_1", "method": "GET"}
    bodies = {"hot_body": '{"amount":10,"name":"x"}', "classic_body": '{"amount":12,"name":"x"}', "hot_status": 200, "classic_status": 200}
    times = {"read_at": Now(), "compared_at": Now()}
    return Difference.objects.create(**{"path": "/v1/balance", "query": "", "what": "amount", **about, **bodies, **times, **details})


def count(minutes_ago: int = 0, **numbers: int) -> None:
    at = selectors.ago(timedelta(minutes=minutes_ago))
    zeros = dict.fromkeys(("compared", "differing", "moved_on", "skipped", "dropped"), 0)
    db.call("cutover_count", [{"endpoint": BALANCE, "read_at": at, **zeros, **numbers}])


def said(*words: str) -> str:
    out = StringIO()
    call_command("shadow", *words, stdout=out)
    return out.getvalue()


@pytest.fixture
def clerk(scratch_database) -> Client:
    return person("view_difference", "change_difference", "view_shadowrate", "change_shadowrate", "view_switch")


def test_an_empty_list_says_what_is_needed(clerk) -> None:
    shown = text_of(clerk, LIST)
    assert "Nothing was compared in that time." in shown
    assert reverse("admin:cutover_shadowrate_changelist") in shown


def test_the_list_says_how_it_stands_and_where_answers_differ(clerk) -> None:
    count(compared=1_200, differing=3, moved_on=40, skipped=5)
    found = difference(what="data[0].amount")
    shown = text_of(clerk, LIST)
    assert "1,200 compared, 3 differ, 40 moved on, 5 skipped" in shown
    assert ("data[0].amount" in shown, ids.encode("acct", found.merchant_id) in shown) == (True, True)


def test_a_difference_shows_both_bodies_and_marks_the_words(clerk) -> None:
    shown = text_of(clerk, ONE, difference().id)
    assert ("<del>10</del>" in shown, "<ins>12</ins>" in shown) == (True, True)
    assert "1 equal line" not in shown


def test_a_long_difference_is_folded_and_can_be_unfolded(clerk) -> None:
    members = ",".join(f'"k{number}":1' for number in range(40))
    one = difference(hot_body=f'{{"amount":10,{members}}}', classic_body=f'{{"amount":12,{members}}}')
    url = reverse(ONE, args=[one.id])
    folded, unfolded = (clerk.get(url, query).content.decode() for query in ({}, {"all": 1}))
    assert ('<a class="hover:underline" href="?all=1">38 equal lines</a>' in folded, "k39" in folded) == (True, False)
    assert ("equal line" in unfolded, "k39" in unfolded) == (False, True)


def test_what_a_merchant_wrote_is_escaped(clerk) -> None:
    found = difference(hot_body=f'{{"name":"{XSS}"}}', what=XSS, path=f"/v1/{XSS}", query=XSS)
    shown = text_of(clerk, ONE, found.id) + text_of(clerk, LIST)
    assert XSS not in shown
    assert shown.count("&lt;script&gt;") >= 4


def test_a_difference_is_explained_once_with_a_note(clerk) -> None:
    found = difference()
    url = reverse("admin:cutover_difference_explain", args=[found.id])
    assert clerk.post(url, {"note": "  "}).status_code == 422
    assert "a rounding rule" in clerk.post(url, {"note": "a rounding rule"}, follow=True).content.decode()
    clerk.post(url, {"note": "something else"})
    found.refresh_from_db()
    assert (found.note, found.explained_by, found.explained_at is None) == ("a rounding rule", clerk.name, False)


def test_who_may_only_look_cannot_explain_and_a_stranger_cannot_look(clerk) -> None:
    found, reader, stranger = difference(), person("view_difference"), person("view_switch")
    assert reader.post(reverse("admin:cutover_difference_explain", args=[found.id]), {"note": "x"}).status_code == 403
    assert "Mark as explained" not in text_of(reader, ONE, found.id)
    assert stranger.get(reverse(ONE, args=[found.id])).status_code in (403, 404)
    assert stranger.get(reverse(LIST)).status_code == 403
    found.refresh_from_db()
    assert found.explained_at is None


def test_the_switches_lead_to_the_differences(clerk) -> None:
    count(compared=10, differing=1)
    assert f'{reverse(LIST)}?endpoint={BALANCE}">1 of 10' in text_of(clerk, SWITCHES)


def test_the_summary_counts_what_is_asked_for(scratch_database) -> None:
    count(compared=10, moved_on=2)
    count(minutes_ago=90, compared=5, differing=1, dropped=7)
    assert said("summary", "--since", "30m").strip().endswith(" 10 compared, 0 differ, 2 moved on, 0 skipped")
    assert "15 compared, 1 differ, 2 moved on, 0 skipped, 7 dropped" in said("summary")
    with pytest.raises(CommandError, match="1 differ") as error:
        said("summary", "--strict")
    assert error.value.returncode == 1
    with pytest.raises(CommandError, match="no period"):
        said("summary", "--since", "yesterday")


def test_only_differences_since_then_are_told_to_the_switch(scratch_database) -> None:
    count(minutes_ago=30, compared=50, differing=50)
    count(compared=8, differing=1)
    assert selectors.differences(BALANCE, selectors.ago(timedelta(minutes=10))) == (8, 1)
    assert selectors.differences("refunds.create", selectors.ago(timedelta(minutes=10))) == (0, 0)


def test_old_counts_become_hours_and_what_is_older_than_a_month_goes(scratch_database) -> None:
    for minutes in (300, 301, 302, 1):
        count(minutes_ago=minutes, compared=1)
    count(minutes_ago=60 * 24 * 40, compared=1)
    difference(compared_at=selectors.ago(timedelta(days=31)))
    kept = difference()
    services.forget_old()
    assert sum(Tally.objects.values_list("compared", flat=True)) == 4
    assert Tally.objects.filter(at__lt=selectors.ago(timedelta(hours=3))).count() <= 2
    assert [one.id for one in Difference.objects.all()] == [kept.id]


async def test_a_share_set_by_command_reaches_a_running_process_and_can_be_changed(database) -> None:
    try:
        await asyncio.to_thread(said, "rate", BALANCE, "2.5")
        await shadowing.reload_rates()
        assert (shadowing.rates[BALANCE], shadowing.rates["refunds.create"]) == (0.025, 0)
        await asyncio.to_thread(lambda: services.set_shadow_rate(endpoint=BALANCE, percent=Decimal(0), by="ada"))
        await shadowing.reload_rates()
        assert shadowing.rates[BALANCE] == 0
    finally:
        shadowing.rates.clear()
        await asyncio.to_thread(lambda: ShadowRate.objects.all().delete())


def test_a_share_above_all_is_refused_in_plain_words(scratch_database) -> None:
    client = person("view_shadowrate", "add_shadowrate")
    shown = client.post(reverse("admin:cutover_shadowrate_add"), {"endpoint": BALANCE, "percent": "101"}).content.decode()
    assert ("less than or equal to 100" in shown, "Constraint" in shown) == (True, False)
    client.post(reverse("admin:cutover_shadowrate_add"), {"endpoint": BALANCE, "percent": "2.5"})
    assert [float(rate.percent) for rate in ShadowRate.objects.all()] == [2.5]


def test_a_share_that_is_none_is_refused(scratch_database) -> None:
    for wrong in ("101", "-1", "many", "NaN", "Infinity", "1e-9"):
        with pytest.raises(CommandError, match="no percentage"):
            said("rate", BALANCE, wrong)
    assert db.query("SELECT * FROM cutover_shadow_rate") == []
