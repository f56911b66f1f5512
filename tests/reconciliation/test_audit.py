"""The audit is clean after all of this, and finds what somebody tampered with."""

import psycopg
import pytest
from django.conf import settings

from apps.core import clock, db
from apps.core.caching import cache
from apps.reconciliation.audit import CHECKS
from tests.reconciliation.world import World, groups_of

pytestmark = pytest.mark.usefixtures("own_database")


def broken() -> dict[str, list]:
    return {check.name: found for check in CHECKS if (found := check.offenders())}


def test_every_promise_holds(world: World) -> None:
    world.pay_out(world.capture(), world.capture(2_000))
    assert broken() == {}


TAMPERINGS = {
    "an amount of a line": (
        "UPDATE recon_source_line SET amount = amount + 1 WHERE id = (SELECT line_id FROM recon_match_leg LIMIT 1)",
        "payout",
    ),
    "a line that is gone": (
        "DELETE FROM recon_source_line WHERE id = (SELECT line_id FROM recon_match_leg LIMIT 1)",
        "every imported line",
    ),
    "a leg that was switched off": ("UPDATE recon_match_leg SET active = false WHERE side = 'A'", "legs of every match balance"),
    "an entry of nothing": ("UPDATE recon_match_group SET entry_ids = ARRAY[uuidv7()]", "has its entries in the ledger"),
    "an open line that is matched": (
        """INSERT INTO recon_open_line SELECT o.line_id, o.file_date, o.file_id, o.number, o.source, o.ledger_name, o.hop, o.kind, o.nref,
           o.attempt_id, o.booked_on, o.currency, o.amount, o.fee FROM recon_openable o LIMIT 1""",
        "every imported line",
    ),
}


def tamper(statement: str) -> None:
    """As a superuser would, past every trigger, then undone with the scratch database."""
    with psycopg.connect(settings.DATABASE_OWNER_DSN, autocommit=True) as owner:
        for table in ("recon_source_line", "recon_match_leg", "recon_match_group"):
            owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")  # type: ignore[arg-type]
        owner.execute(statement)  # type: ignore[arg-type]


@pytest.fixture
def books(scratch_database: str, new_world) -> World:
    cache.forget()
    clock.forget()
    world = new_world()
    world.pay_out(world.capture())
    return world


@pytest.mark.parametrize("what", TAMPERINGS)
def test_tampering_is_found(books: World, what: str) -> None:
    statement, promise = TAMPERINGS[what]
    assert broken() == {}
    tamper(statement)
    assert promise in "; ".join(broken())


def test_a_match_can_be_followed_from_the_file_to_the_ledger(world: World) -> None:
    capture = world.capture()
    world.pay_out(capture)
    (group,) = groups_of(capture)
    (entry,) = db.query("SELECT source, metadata::text AS m FROM ledger_entry WHERE id = ANY(%s)", [group["entry_ids"]])
    (leg,) = db.query("SELECT line_id FROM recon_match_leg WHERE group_id = %s AND side = 'A'", [group["id"]])
    assert entry["source"] == f"lin_{leg['line_id']}"
    assert str(group["id"]) in entry["m"]
