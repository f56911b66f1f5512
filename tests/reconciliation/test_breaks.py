"""Everything that does not match: its type, its reason, and how it goes away."""

from datetime import timedelta

import pytest

from apps.core import clock, db
from apps.core.ids import encode
from apps.ledger import services as ledger
from apps.payments import flows
from tests.payments.shop import due_now
from tests.reconciliation.files import Entry, Line, new_payout
from tests.reconciliation.world import (
    RECEIVABLE,
    Balances,
    Moved,
    World,
    breaks_about,
    breaks_in,
    groups_of,
    payout_groups,
    register_bank,
)

FIVE_DAYS = timedelta(days=5)


def only(found: list[dict]) -> dict:
    assert len(found) == 1, found
    return found[0]


def payout_id(reference: str):
    return db.query("SELECT id FROM recon_payout WHERE reference = %s", [reference])[0]["id"]


def test_a_line_under_a_reference_that_is_not_ours_is_missing_in_the_ledger(world: World) -> None:
    books = Balances(RECEIVABLE)
    file = world.settle(Line(gross=4_200, reference="att_unknown_2026-11-02_1"))
    world.match()
    found = only(breaks_in(file))
    assert (found["type"], found["amount"], found["currency"]) == ("missing_in_ledger", 4_200, "eur")
    assert found["reason"] == "The file has a capture of €42.00 under a reference that is not one of ours."
    assert books.gained() == [0]


def test_a_line_for_a_payment_that_failed_is_missing_in_the_ledger(world: World) -> None:
    world.shop.pay(1_000, "pm_card_chargeDeclined")
    failed = Moved(world.shop.attempt()["id"], 1_000)
    file = world.settle(failed.line())
    world.match()
    found = only(breaks_in(file))
    assert found["type"] == "missing_in_ledger"
    assert (
        found["reason"]
        == f"The file has a capture of €10.00 for {failed.reference}, but with us that authorize is failed and moved no money."
    )


@pytest.mark.parametrize("off_by", [1, -1, 900])
def test_an_amount_that_differs_is_shown_from_both_sides(world: World, off_by: int) -> None:
    capture = world.capture(1_000)
    file = world.settle(capture.line(gross=1_000 + off_by))
    world.match()
    found = only(breaks_in(file))
    assert (found["type"], found["facts"]["ours_amount"], found["amount"]) == ("amount_differs", 1_000, 1_000 + off_by)
    assert f"€{(1_000 + off_by) / 100:.2f} for {capture.reference}, but our capture is €10.00" in found["reason"]
    assert groups_of(capture) == []


def test_an_amount_in_another_currency_differs(world: World) -> None:
    capture = world.capture(1_000)
    file = world.settle(capture.line(currency="USD"))
    world.match()
    found = only(breaks_in(file))
    assert found["type"] == "amount_differs"
    assert "The file has $10.00" in found["reason"]
    assert "our capture is €10.00" in found["reason"]


def test_a_capture_is_not_settled_by_a_refund(world: World) -> None:
    capture = world.capture(1_000)
    file = world.settle(capture.line(gross=-1_000, fee=0))
    world.match()
    assert only(breaks_in(file))["type"] == "missing_in_ledger"
    assert groups_of(capture) == []


def test_a_line_that_comes_again_is_a_duplicate_and_counts_once(world: World) -> None:
    line = world.capture(1_000).line()
    world.settle(line)
    books = Balances(RECEIVABLE)
    again = world.settle(line, world.capture(500).line())
    world.match()
    found = only(breaks_in(again))
    assert (again.lines, again.duplicates, found["type"], found["number"]) == (2, 1, "duplicate", 2)
    assert "was imported before, in line 2 of file; it counts once" in found["reason"]
    assert books.gained() == [-1_000]


def test_a_line_twice_in_one_file_is_a_duplicate(world: World) -> None:
    capture = world.capture(1_000)
    line = capture.line()
    file = world.settle(line, line)
    world.match()
    assert [(row["type"], row["number"]) for row in breaks_in(file)] == [("duplicate", 3)]
    assert len(groups_of(capture)) == 1


def test_two_lines_for_one_capture_are_for_a_person_to_decide(world: World) -> None:
    capture = world.capture(1_000)
    file = world.settle(capture.line(), capture.line())
    world.match()
    assert [row["type"] for row in breaks_in(file)] == ["duplicate", "duplicate"]
    assert "More than one line claims the same capture of €10.00" in breaks_in(file)[0]["reason"]
    assert groups_of(capture) == []


def test_a_second_claim_takes_the_first_match_back(world: World) -> None:
    capture = world.capture(1_000)
    first = world.settle(capture.line())
    world.match()
    books = Balances(RECEIVABLE)
    second = world.settle(capture.line())
    done = world.match()
    assert (done.reversed, [group["status"] for group in groups_of(capture)]) == (1, ["reversed"])
    assert [row["type"] for row in breaks_in(first) + breaks_in(second)] == ["duplicate", "duplicate"]
    assert books.gained() == [1_000]
    assert (world.match().reversed, books.gained()) == (0, [1_000])


def test_a_capture_that_no_file_brings_is_missing_after_three_days(world: World, business_time) -> None:
    late, settled = world.capture(1_000), world.capture(2_000)
    world.settle(settled.line())
    world.match()
    assert breaks_about("movement", late.attempt_id) == []
    business_time(FIVE_DAYS)
    world.match()
    found = only(breaks_about("movement", late.attempt_id))
    assert (found["type"], found["amount"]) == ("missing_in_file", 1_000)
    assert found["reason"] == "Our capture of €10.00 is in no settlement file after 3 days."
    assert breaks_about("movement", settled.attempt_id) == []


def test_a_late_line_resolves_what_was_missing(world: World, business_time) -> None:
    late = world.capture(1_000)
    business_time(FIVE_DAYS)
    world.match()
    world.settle(late.line())
    world.match()
    found = only(breaks_about("movement", late.attempt_id))
    assert (found["state"], found["group_id"]) == ("resolved", groups_of(late)[0]["id"])


def test_a_payment_without_an_outcome_is_watched_until_it_has_one(world: World, business_time, settings) -> None:
    settings.GATEWAY_DEADLINE_S = 0.25
    world.shop.pay(1_000, "pm_card_resetAfterCharge")
    unknown = Moved(world.shop.attempt()["id"], 1_000)
    business_time(FIVE_DAYS)
    world.match()
    assert breaks_about("movement", unknown.attempt_id) == []
    due_now(world.shop)
    flows.recover_due()
    world.match()
    assert only(breaks_about("movement", unknown.attempt_id))["type"] == "missing_in_file"


def test_a_payout_that_the_bank_never_brings_is_listed(world: World, business_time) -> None:
    payout = new_payout()
    world.settle(world.capture(1_000).line(payout=payout, at=clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")))
    world.match()
    assert breaks_about("payout", payout_id(payout)) == []
    business_time(FIVE_DAYS)
    world.match()
    found = only(breaks_about("payout", payout_id(payout)))
    assert (found["type"], found["amount"]) == ("payout_without_bank_line", 990)
    assert f"sandbox says it paid €9.90 as {payout} (1 lines)" in found["reason"]
    world.bank(Entry(amount=990, reference=payout))
    world.match()
    assert only(breaks_about("payout", payout_id(payout)))["state"] == "resolved"


def test_a_bank_line_without_a_payout_is_listed(world: World) -> None:
    books = Balances(world.bank_code)
    file = world.bank(Entry(amount=777, reference="po_nobody_knows"), Entry(amount=55), Entry(amount=-20, more="<RvslInd>true</RvslInd>"))
    world.match()
    assert [row["type"] for row in breaks_in(file)] == ["bank_line_without_payout"] * 3
    reasons = [row["reason"] for row in breaks_in(file)]
    assert "The bank line of €7.77 names no payout that a settlement file has announced." in reasons
    assert "The bank line of €0.55 has no reference." in reasons
    assert any("The bank reversed an entry" in reason for reason in reasons)
    assert books.gained() == [0]


def test_a_bank_line_of_another_amount_than_its_payout_is_shown_from_both_sides(world: World) -> None:
    payout = new_payout()
    world.settle(world.capture(1_000).line(payout=payout))
    file = world.bank(Entry(amount=989, reference=payout))
    world.match()
    found = only(breaks_in(file))
    assert found["type"] == "amount_differs"
    assert found["reason"] == "The bank booked €9.89, but the lines of the payout it names add up to €9.90."
    assert payout_groups(payout) == []


def test_a_payout_that_the_bank_brings_twice_is_for_a_person_to_decide(world: World) -> None:
    payout = world.pay_out(world.capture(1_000))
    books = Balances(world.bank_code)
    again = world.bank(Entry(amount=990, reference=payout))
    world.match()
    assert only(breaks_in(again))["type"] == "duplicate"
    assert [group["status"] for group in payout_groups(payout)] == ["reversed"]
    assert books.gained() == [-990]


def test_a_pending_entry_counts_nowhere(world: World) -> None:
    file = world.bank(Entry(amount=990, reference="po_x", status="<Sts>PDNG</Sts>"), opening=0, closing=0)
    world.match()
    assert (file.lines, breaks_in(file)) == (1, [])


def statement_break(file, state: str = "open") -> list[dict]:
    statement = db.query("SELECT id FROM recon_statement WHERE file_id = %s", [file.file_id])[0]["id"]
    return [row for row in breaks_about("statement", statement) if row["state"] == state]


def test_a_missing_statement_leaves_a_gap_until_it_comes(world: World) -> None:
    world.bank(Entry(amount=100), opening=0, sequence=1)
    third = world.bank(Entry(amount=100), opening=300, sequence=3)
    found = only(statement_break(third))
    assert (found["type"], found["amount"]) == ("statement_gap", 200)
    assert "€2.00 lie between them" in found["reason"]
    world.bank(Entry(amount=200), opening=100, sequence=2)
    assert (statement_break(third), len(statement_break(third, "resolved"))) == ([], 1)


def test_statements_in_the_wrong_order_leave_no_gap(world: World) -> None:
    second = world.bank(Entry(amount=100), opening=100, sequence=2)
    world.bank(Entry(amount=100), opening=0, sequence=1)
    assert statement_break(second) == []


def test_an_overlapping_statement_counts_its_lines_once(world: World) -> None:
    payout = new_payout()
    world.settle(world.capture(1_000).line(payout=payout))
    entry, other = Entry(amount=990, reference=payout), Entry(amount=5, reference="po_other")
    world.bank(entry, opening=0)
    overlapping = world.bank(entry, other, opening=0)
    world.match()
    assert overlapping.duplicates == 1
    assert len(payout_groups(payout)) == 1


def test_equal_lines_of_one_statement_are_as_many_lines(world: World) -> None:
    equal = {"amount": 450, "reference": "", "bank_reference": "", "text": "CITY COFFEE"}
    first = world.bank(Entry(**equal), Entry(**equal), opening=0)
    again = world.bank(Entry(**equal), Entry(**equal), Entry(**equal), opening=0)
    assert (first.duplicates, again.duplicates) == (0, 2)


def test_an_equal_line_in_the_next_statement_of_the_day_is_another_line(world: World) -> None:
    equal = {"amount": 450, "reference": "", "bank_reference": "", "text": "CITY COFFEE"}
    morning = world.bank(Entry(**equal), sequence=1)
    evening = world.bank(Entry(**equal), sequence=2)
    assert (morning.duplicates, evening.duplicates) == (0, 0)


def test_what_the_ledger_refuses_is_listed_and_holds_up_nobody(world: World, new_world) -> None:
    odd = f"XX{world.account[2:]}"
    register_bank(odd, "nonsense")
    refused, good = new_payout(), new_payout()
    world.settle(world.capture(1_000).line(payout=refused), world.capture(2_000).line(payout=good))
    file = world.bank(Entry(amount=990, reference=refused), account=odd, opening=0)
    world.bank(Entry(amount=1_990, reference=good))
    world.match()
    found = only(breaks_in(file))
    assert (found["type"], found["facts"]["refused"]) == ("posting_refused", "unknown_account")
    assert (len(payout_groups(refused)), len(payout_groups(good))) == (0, 1)
    assert world.match().breaks == 0


def test_a_break_is_older_the_longer_it_waits(world: World) -> None:
    file = world.settle(Line(at="2026-11-01T10:00:00Z"))
    world.match()
    assert str(only(breaks_in(file))["since"]) == "2026-11-01"
    assert encode("brk", only(breaks_in(file))["id"]).startswith("brk_")


def test_one_line_that_cannot_be_written_holds_up_nobody(world: World) -> None:
    stuck, good = world.capture(1_000), world.capture(2_000)
    world.settle(stuck.line())
    world.match()
    (group,) = groups_of(stuck)
    ledger.reverse(group["entry_ids"][0], reason="by hand, past reconciliation")
    file = world.settle(stuck.line(), good.line())
    world.match()
    found = only(breaks_in(file))
    assert (found["type"], found["number"]) == ("posting_refused", 2)
    assert "already_reversed" in found["reason"]
    assert len(groups_of(good)) == 1
