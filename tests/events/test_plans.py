"""Among many deliveries that went well, the few that did not are found by an index of their own."""

import psycopg
import pytest
from django.conf import settings
from django.db.models.functions import Now

from apps.core import db, ids
from apps.events.audit import CHECKS
from apps.events.models import Consequence, Delivery, WebhookEndpoint
from tests.factories import new_merchant

MANY = 20_000
_FILL = """
INSERT INTO events_delivery (id, event_id, event_created, endpoint_id, merchant_id, livemode, state, fanout, api_version,
    next_attempt_at, poke_at, created, finished_at, attempts, claims, losses)
SELECT gen_random_uuid(), gen_random_uuid(), now(), %(endpoint)s, %(merchant)s, false,
    CASE n %% 2000 WHEN 7 THEN 'failed' WHEN 8 THEN 'parked' WHEN 9 THEN 'dropped' ELSE 'succeeded' END, 1, '2026-01-01',
    now(), now(), now(), now(), 1, 1, 0
FROM generate_series(1, %(many)s) n;
INSERT INTO events_consequence (id, event_id, event_created, task, state, attempts, next_attempt_at, poke_at, created, finished_at)
SELECT gen_random_uuid(), gen_random_uuid(), now(), 'x', CASE n %% 2000 WHEN 7 THEN 'parked' ELSE 'done' END, 1, now(), now(), now(), now()
FROM generate_series(1, %(many)s) n;
"""


@pytest.fixture(scope="module")
def grown(own_database: str) -> None:
    shop = new_merchant()
    endpoint = WebhookEndpoint.objects.create(
        id=ids.new_id(),
        merchant_id=shop.id,
        livemode=False,
        url="https://shop.example/",
        enabled_events=["*"],
        api_version="2026-01-01",
        created=Now(),
    )
    with psycopg.connect(settings.DATABASE_OWNER_DSN, autocommit=True, cursor_factory=psycopg.ClientCursor) as owner:
        owner.execute(_FILL, {"endpoint": endpoint.id, "merchant": shop.id, "many": MANY})
        owner.execute("ANALYZE events_delivery, events_consequence")


@pytest.mark.parametrize("state", ["failed", "dropped", "parked"])
def test_the_filters_of_deliveries_read_their_own_index(grown, state) -> None:
    found = Delivery.objects.filter(state=state).order_by("-id")
    assert len(found.all()) == MANY // 2000
    for narrowed in (found, found.filter(livemode=False)):
        plan = narrowed[:101].explain()
        assert ("events_delivery_unsent" in plan, "Seq Scan" in plan, "Sort" in plan) == (True, False, False)


def test_parked_consequences_are_found_by_index(grown) -> None:
    plan = Consequence.objects.filter(state="parked").order_by("-id")[:101].explain()
    assert ("events_consequence_parked" in plan, "Seq Scan" in plan) == (True, False)


def test_the_audit_looks_for_parked_work_by_index(grown) -> None:
    [parked] = [check for check in CHECKS if check.name == "nothing is parked"]
    plan = "\n".join(row["QUERY PLAN"] for row in db.query(f"EXPLAIN {parked.sql}"))
    assert ("events_consequence_parked" in plan, "events_delivery_unsent" in plan, "Seq Scan" in plan) == (True, True, False)
