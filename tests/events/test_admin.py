"""The back office shows events and webhooks, links them, and changes nothing."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from apps.core import ids
from apps.core.db import query
from tests.events.listener import Reply
from tests.events.world import relay, secret_of


@pytest.fixture(scope="module")
def staff(database) -> Client:
    user = User.objects.create_superuser(f"auditor-{ids.new_id()}", "auditor@florin.example", "a long password")
    client = Client()
    client.force_login(user)
    return client


def page(staff: Client, name: str, *args, **parameters) -> str:
    response = staff.get(reverse(f"admin:events_{name}", args=args), parameters)
    assert response.status_code == 200
    return response.content.decode()


@pytest.fixture
def told(shop, listener) -> dict:
    """A delivery that failed once."""
    listener.last = Reply(500, body=b"<script>alert(1)</script>")
    event_id, endpoint, delivery = shop.told(listener.url)
    return {"event": event_id, "endpoint": endpoint, "delivery": delivery["id"]}


def test_an_event_leads_to_its_merchant_and_its_deliveries(staff, shop, told):
    shown = page(staff, "event_change", told["event"])
    assert reverse("admin:merchants_merchant_change", args=[shop.id]) in shown
    name = ids.encode("evt", told["event"])
    assert f"?q={name}" in shown
    assert reverse("admin:events_event_change", args=[told["event"]]) in page(staff, "delivery_changelist", q=name)


def test_a_delivery_shows_each_attempt_and_what_was_answered_as_text(staff, told):
    shown = page(staff, "delivery_change", told["delivery"])
    assert "500" in shown
    assert "&lt;script&gt;alert(1)" in shown
    assert "<script>alert(1)" not in shown
    assert reverse("admin:events_webhookendpoint_change", args=[told["endpoint"].id]) in shown


def test_lists_are_searched_by_whole_ids(staff, shop, told, make_merchant):
    assert shop.merchant.account in page(staff, "event_changelist", q=shop.merchant.account)
    assert told["endpoint"].url in page(staff, "webhookendpoint_changelist", q=ids.encode("we", told["endpoint"].id))
    stranger = make_merchant()
    assert shop.merchant.account not in page(staff, "event_changelist", q=stranger.account)
    for nonsense in ("evt_x", "we_!", "nothing", "evt"):
        assert shop.merchant.account not in page(staff, "event_changelist", q=nonsense)


def test_lists_are_filtered_by_state(staff, told):
    name = ids.encode("evt", told["event"])
    address = reverse("admin:events_delivery_change", args=[told["delivery"]])
    assert address in page(staff, "delivery_changelist", q=name, state__exact="pending")
    assert address not in page(staff, "delivery_changelist", q=name, state__exact="succeeded")


def test_consequences_and_the_outbox_are_there_to_see(staff, shop):
    waiting = shop.emits()
    assert ids.encode("evt", waiting) in page(staff, "outboxentry_changelist", q=ids.encode("evt", waiting))
    relay({"charge.succeeded": ("tests.first",)})
    (row,) = shop.consequences(waiting)
    assert "tests.first" in page(staff, "consequence_changelist", q=ids.encode("evt", waiting))
    assert "tests.first" in page(staff, "consequence_change", row["id"])


def test_no_page_shows_a_secret(staff, told):
    secret = secret_of(told["endpoint"], 1)
    assert secret not in page(staff, "webhookendpoint_change", told["endpoint"].id)


@pytest.mark.parametrize("name", ["event", "webhookendpoint", "delivery"])
def test_nobody_adds_changes_or_deletes_here(staff, told, name):
    record = {"event": told["event"], "webhookendpoint": told["endpoint"].id, "delivery": told["delivery"]}[name]
    assert staff.get(reverse(f"admin:events_{name}_add")).status_code == 403
    assert staff.post(reverse(f"admin:events_{name}_delete", args=[record]), {"post": "yes"}).status_code == 403
    assert staff.post(reverse(f"admin:events_{name}_change", args=[record]), {"state": "failed"}).status_code == 403
    assert query("SELECT state FROM events_delivery WHERE id = %s", [told["delivery"]]) == [{"state": "pending"}]


def test_the_first_page_of_events_is_read_from_an_index(database):
    plan = query("EXPLAIN (COSTS OFF) SELECT * FROM events_event ORDER BY id DESC LIMIT 50")
    assert any("Merge Append" in line["QUERY PLAN"] for line in plan), plan
