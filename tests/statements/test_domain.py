import random
from datetime import date

import msgspec
import pytest

from apps.statements import domain
from apps.statements.domain import Movement, Unbalanced
from tests.statements import samples

OCTOBER = date(2026, 10, 1)


def movement(kind: str, fee: int = 0, **amounts: int) -> Movement:
    return Movement(entry="ent_1", booked_on=OCTOBER, kind=kind, source="ch_1", amounts=amounts, fee=fee, postings=len(amounts))


def test_a_payment_is_shown_gross_with_its_fee_and_net():
    (line,) = domain.lines([movement("capture", pending=9680, fee=320)], 500)
    assert (line.row, line.gross, line.fee, line.net, line.balance) == ("payments", 10000, 320, 9680, 10180)


def test_money_that_becomes_available_is_not_a_line():
    assert domain.lines([movement("funds_available", available=9680, pending=-9680)], 0) == []


def test_a_payout_leaves_the_balance_and_is_then_on_its_way():
    moved = [movement("payout", available=-700, payouts_in_transit=700)]
    (line,) = domain.lines(moved, 1000)
    by_name = {account.name: account.closing for account in domain.accounts(moved, {"available": 1000})}
    assert (line.row, line.net, line.balance) == ("payouts", -700, 300)
    assert (by_name["available"], by_name["payouts_in_transit"]) == (300, 700)


def test_a_fee_of_its_own_is_all_fee():
    (line,) = domain.lines([movement("fee", available=-250)], 1000)
    rows = {row.name: (row.count, row.amount) for row in domain.bridge([line])}
    assert (line.gross, line.fee, line.net) == (0, 250, -250)
    assert rows["fees"] == (1, -250)


@pytest.mark.parametrize(
    ("kind", "net", "row"),
    [
        ("capture", 1, "payments"),
        ("refund", -1, "refunds"),
        ("refund_failed", 1, "refunds"),
        ("transfer", 1, "transfers_in"),
        ("transfer", -1, "transfers_out"),
        ("dispute_opened", -1, "disputes"),
        ("dispute_won", 1, "dispute_reversals"),
        ("payout_returned", 1, "payouts"),
        ("something_new", -1, "adjustments"),
    ],
)
def test_every_kind_has_its_row(kind, net, row):
    assert domain.row_of(kind, net) == row


@pytest.mark.parametrize("seed", range(20))
def test_generated_months_add_up_by_line_row_day_and_account(seed):
    data = samples.data_set(random.Random(seed).randrange(0, 400), seed=seed)
    days = domain.days(data.lines)
    assert data.opening + sum(row.amount for row in data.rows) == data.closing
    assert data.opening + sum(day.net for day in days) == data.closing
    assert sum(line.fee for line in data.lines) == sum(fee.amount for fee in data.fees)
    assert [day.balance for day in days][-1:] == ([data.closing] if data.lines else [])


@pytest.mark.parametrize("change", [{"closing": 1}, {"opening": 1}, {"lines": []}, {"accounts": []}])
def test_figures_that_disagree_are_refused(change):
    with pytest.raises(Unbalanced):
        domain.verify(msgspec.structs.replace(samples.data_set(20), **change))


def test_a_statement_must_open_where_the_one_before_closed():
    data = samples.data_set(20)
    with pytest.raises(Unbalanced, match="2026-000017 closed with 1"):
        domain.verify(msgspec.structs.replace(data, previous=domain.Previous(number="2026-000017", closing=1)))


def test_the_canonical_text_comes_back_as_the_same_data():
    data = samples.data_set(50)
    body = domain.canonical(data)
    assert domain.restored(body) == data
    assert domain.canonical(domain.restored(body)) == body


def test_test_data_has_a_series_of_its_own():
    day = date(2027, 1, 1)
    assert (domain.series(day, livemode=True), domain.series(day, livemode=False)) == ("2027", "TEST-2027")
