"""What is matched, what it books, and that nothing is booked twice."""

import orjson

from apps.core import db
from apps.payments import flows
from apps.reconciliation.domain import explain_match
from tests.payments.shop import due_now
from tests.reconciliation.files import Entry, new_payout
from tests.reconciliation.world import (
    FEES,
    IN_TRANSIT,
    RECEIVABLE,
    Balances,
    Moved,
    World,
    breaks_in,
    entries_of,
    groups_of,
    payout_groups,
)


def test_a_capture_that_the_gateway_settled_leaves_the_receivable(world: World) -> None:
    books = Balances(RECEIVABLE, FEES, IN_TRANSIT)
    capture = world.capture(10_000)
    assert books.gained() == [10_000, 0, 0]
    world.settle(capture.line(fee=200))
    world.match()
    assert books.gained() == [0, 200, 9_800]


def test_a_refund_that_the_gateway_settled_goes_the_other_way(world: World) -> None:
    capture = world.capture(10_000)
    refund = world.refund(4_000)
    books = Balances(RECEIVABLE, FEES, IN_TRANSIT)
    world.settle(capture.line(fee=200), refund.line())
    world.match()
    assert books.gained() == [-6_000, 200, 5_800]


def test_a_payout_reaches_the_bank(world: World) -> None:
    books = Balances(RECEIVABLE, FEES, IN_TRANSIT, world.bank_code)
    world.pay_out(world.capture(10_000), world.capture(2_500))
    assert books.gained() == [0, 20, 0, 12_480]


def test_a_payout_of_refunds_is_taken_from_the_bank(world: World) -> None:
    world.pay_out(world.capture(10_000))
    books = Balances(RECEIVABLE, FEES, IN_TRANSIT, world.bank_code)
    world.pay_out(world.refund(3_000))
    assert books.gained() == [0, 0, 0, -3_000]


def test_a_match_says_what_it_booked_and_why(world: World) -> None:
    capture = world.capture(10_000)
    world.settle(capture.line(fee=200))
    world.match()
    (group,) = groups_of(capture)
    assert [(row["kind"], row["code"], row["amount"]) for row in entries_of(group)] == [
        ("settlement", IN_TRANSIT, 9_800),
        ("settlement", FEES, 200),
        ("settlement", RECEIVABLE, -10_000),
    ]
    facts = db.query("SELECT explanation::text AS facts FROM recon_match_group WHERE id = %s", [group["id"]])[0]["facts"]
    sentence = explain_match(group["stage"], orjson.loads(facts), amount=group["amount"], currency="eur")
    assert "Line 2 and our capture have the same reference" in sentence
    assert "€100.00; no other line claims it. The gateway kept €2.00." in sentence


def test_another_run_with_nothing_new_makes_nothing(world: World) -> None:
    capture = world.capture()
    payout = world.pay_out(capture)
    books = Balances(RECEIVABLE, FEES, IN_TRANSIT, world.bank_code)
    done = world.match()
    assert (done.groups, done.reversed, done.breaks) == (0, 0, 0)
    assert books.gained() == [0, 0, 0, 0]
    assert (len(groups_of(capture)), len(payout_groups(payout))) == (1, 1)


def test_a_bank_line_waits_for_the_settlement_file(world: World) -> None:
    capture, payout = world.capture(), new_payout()
    bank = world.bank(Entry(amount=990, reference=payout))
    world.match()
    assert [row["type"] for row in breaks_in(bank)] == ["bank_line_without_payout"]
    world.settle(capture.line(payout=payout))
    world.match()
    (group,) = payout_groups(payout)
    assert [(row["state"], row["group_id"]) for row in breaks_in(bank, "resolved")] == [("resolved", group["id"])]
    assert breaks_in(bank) == []


def test_a_payout_that_comes_in_two_files_is_matched_when_it_is_whole(world: World) -> None:
    first, second, payout = world.capture(1_000), world.capture(2_000), new_payout()
    world.settle(first.line(payout=payout))
    bank = world.bank(Entry(amount=2_980, reference=payout))
    world.match()
    assert [row["type"] for row in breaks_in(bank)] == ["amount_differs"]
    world.settle(second.line(payout=payout))
    world.match()
    assert (len(payout_groups(payout)), breaks_in(bank)) == (1, [])


def test_a_payout_that_grew_after_it_was_paid_is_taken_back(world: World) -> None:
    payout = world.pay_out(world.capture(1_000))
    books = Balances(IN_TRANSIT, world.bank_code)
    world.settle(world.capture(500).line(payout=payout))
    world.match()
    (group,) = payout_groups(payout)
    assert (group["status"], group["reversal_reason"]) == ("reversed", "the payout changed")
    assert books.gained() == [990 + 490, -990]


def test_live_and_test_money_of_one_payout_are_booked_apart(new_world) -> None:
    test, live = new_world(), new_world(livemode=True)
    payout = new_payout()
    live_bank, live_transit = test.bank_code.replace("-test", ""), IN_TRANSIT.replace("-test", "")
    books = Balances(test.bank_code, IN_TRANSIT, live_bank, live_transit)
    test.settle(test.capture(1_000).line(payout=payout), live.capture(5_000).line(payout=payout))
    test.bank(Entry(amount=990 + 4_990, reference=payout))
    test.match()
    assert books.gained() == [990, 0, 4_990, 0]
    assert len(payout_groups(payout)[0]["entry_ids"]) == 2


def test_a_settled_payment_whose_outcome_was_unknown_is_matched_once_it_is_known(world: World, settings) -> None:
    settings.GATEWAY_DEADLINE_S = 0.25
    world.shop.pay(1_000, "pm_card_resetAfterCharge")
    capture = Moved(world.shop.attempt()["id"], 1_000)
    file = world.settle(capture.line())
    world.match()
    (found,) = breaks_in(file)
    assert found["type"] == "missing_in_ledger"
    assert "with us that authorize is unknown and moved no money" in found["reason"]
    due_now(world.shop)
    flows.recover_due()
    world.match()
    assert (len(groups_of(capture)), breaks_in(file)) == (1, [])


def test_a_manual_capture_is_matched_by_its_own_reference(world: World) -> None:
    intent = world.shop.hold(1_000)
    held = Moved(world.shop.attempt()["id"], 1_000)
    world.shop.capture(intent, amount_to_capture=600)
    captured = Moved(world.shop.attempt("capture")["id"], 600)
    file = world.settle(captured.line(), held.line())
    world.match()
    assert (len(groups_of(captured)), len(groups_of(held))) == (1, 0)
    assert [row["type"] for row in breaks_in(file)] == ["missing_in_ledger"]


def test_a_reference_is_found_in_upper_case_too(world: World) -> None:
    capture = world.capture()
    world.settle(capture.line(reference=capture.reference.upper()))
    world.match()
    assert len(groups_of(capture)) == 1
