"""What PostgreSQL refuses, whoever asks."""

import pytest
from django.db import DatabaseError, connection, transaction

from apps.core import db
from apps.core.ids import new_id
from tests.reconciliation.world import World, groups_of


def refuse(statement: str, params: list, match: str) -> None:
    with pytest.raises(DatabaseError, match=match):
        _commit(statement, params)


def _commit(statement: str, params: list) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, params)


@pytest.fixture
def matched(world: World) -> dict:
    """A group with its legs, and the line behind it."""
    capture = world.capture()
    world.pay_out(capture)
    (group,) = groups_of(capture)
    legs = db.query("SELECT * FROM recon_match_leg WHERE group_id = %s ORDER BY leg_no", [group["id"]])
    return {"group": group, "line": legs[0], "ours": legs[1]}


def new_group(amount: int = 1000) -> str:
    return f"""INSERT INTO recon_match_group
                   (id, hop, stage, rule_version, status, currency, amount, explanation, entry_ids, created_at, created_by)
               VALUES (%s, 'settlement', 'by_hand', 1, 'active', 'eur', {amount}, '{{}}', ARRAY[uuidv7()], core_now(), 'me')"""


LEG = """INSERT INTO recon_match_leg (group_id, leg_no, hop, side, line_id, file_date, movement_id, amount, active)
         VALUES (%s, 1, 'settlement', 'A', %s, %s, NULL, %s, true), (%s, 2, 'settlement', 'B', NULL, NULL, %s, %s, true)"""


@pytest.mark.parametrize(
    "change", ["UPDATE recon_source_line SET amount = 1", "DELETE FROM recon_source_line", "TRUNCATE recon_source_line"]
)
def test_a_line_stays_as_it_came(world: World, change: str) -> None:
    world.settle(world.capture().line())
    refuse(change, [], "permission denied|append-only")


@pytest.mark.parametrize(
    "table", ["recon_match_group", "recon_match_leg", "recon_source_file", "recon_statement", "recon_break", "recon_payout"]
)
def test_nothing_is_deleted(matched: dict, table: str) -> None:
    refuse(f"DELETE FROM {table}", [], "permission denied|append-only")


def test_a_group_without_legs_is_refused() -> None:
    refuse(new_group(), [new_id()], "do not balance")


def test_a_group_without_its_entries_is_refused() -> None:
    refuse(new_group().replace("ARRAY[uuidv7()]", "ARRAY[]::uuid[]"), [new_id()], "recon_match_group_posted")


@pytest.mark.parametrize(("theirs", "ours"), [(1000, 999), (999, 1000), (1001, 1001)])
def test_legs_that_do_not_balance_are_refused(world: World, theirs: int, ours: int) -> None:
    file = world.settle(world.capture().line())
    (line,) = db.query("SELECT id, file_date FROM recon_source_line WHERE file_id = %s", [file.file_id])
    group = new_id()
    refuse(f"{new_group()}; {LEG}", [group, group, line["id"], line["file_date"], theirs, group, new_id(), ours], "do not balance")


def test_a_line_is_in_one_active_group(matched: dict) -> None:
    group, line = new_id(), matched["line"]
    params = [group, group, line["line_id"], line["file_date"], 1000, group, new_id(), 1000]
    refuse(f"{new_group()}; {LEG}", params, "recon_match_leg_one_line")


def test_a_movement_is_in_one_active_group(world: World, matched: dict) -> None:
    file = world.settle(world.capture().line())
    (line,) = db.query("SELECT id, file_date FROM recon_source_line WHERE file_id = %s", [file.file_id])
    group = new_id()
    params = [group, group, line["id"], line["file_date"], 1000, group, matched["ours"]["movement_id"], 1000]
    refuse(f"{new_group()}; {LEG}", params, "recon_match_leg_one_movement")


def test_a_leg_leads_to_a_line_that_is_there(matched: dict) -> None:
    group = new_id()
    refuse(f"{new_group()}; {LEG}", [group, group, new_id(), "2026-11-02", 1000, group, new_id(), 1000], "leads nowhere")


def test_a_match_takes_no_leg_after_it_was_made(matched: dict) -> None:
    statement = """INSERT INTO recon_match_leg (group_id, leg_no, hop, side, movement_id, amount, active)
                   VALUES (%s, 3, 'settlement', 'B', %s, 5, true)"""
    refuse(statement, [matched["group"]["id"], new_id()], "do not balance")


@pytest.mark.parametrize("change", ["amount = 5", "currency = 'usd'", "explanation = '{}'", "hop = 'bank'"])
def test_a_match_is_never_edited(matched: dict, change: str) -> None:
    refuse(f"UPDATE recon_match_group SET {change} WHERE id = %s", [matched["group"]["id"]], "only ever reversed")


def test_a_leg_is_not_taken_out_of_its_group_alone(matched: dict) -> None:
    refuse("UPDATE recon_match_leg SET active = false WHERE group_id = %s AND leg_no = 1", [matched["group"]["id"]], "do not balance")


def test_a_line_that_belongs_to_no_file_is_refused() -> None:
    statement = """INSERT INTO recon_source_line (id, file_id, file_date, position, number, source_id, hop, kind, external_id,
        reference, batch, booked_on, currency, amount, fee, party, text, raw, identity) VALUES (uuidv7(), uuidv7(), '2026-11-02', 1, 1,
        'sandbox', 'settlement', 'capture', '', '', '', '2026-11-02', 'eur', 1, 0, '', '', '', uuidv7())"""
    refuse(statement, [], "do not fit the file")


def test_a_file_is_imported_or_in_quarantine_and_says_why(world: World) -> None:
    file = world.settle(world.capture().line())
    refuse("UPDATE recon_source_file SET status = 'quarantined' WHERE id = %s", [file.file_id], "recon_source_file_whole")


def test_a_statement_adds_up(world: World) -> None:
    statement = """INSERT INTO recon_statement
                       (id, file_id, position, account, statement_id, page, currency, opening, total, closing, starts_on, ends_on)
                   VALUES (uuidv7(), %s, 9, 'X', 'S', 1, 'eur', 100, 5, 104, '2026-11-01', '2026-11-02')"""
    refuse(statement, [world.settle(world.capture().line()).file_id], "recon_statement_adds_up")
