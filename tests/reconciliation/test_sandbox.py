"""The whole way: payments through the real acquirer, its settlement and its bank's statement, into the books."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings as django_settings

from apps.core import clock, db
from apps.core.caching import cache
from apps.reconciliation import flows, services
from apps.reconciliation.errors import SourceUnavailable
from tests.payments.shop import Shop
from tests.reconciliation.world import FEES, IN_TRANSIT, RECEIVABLE, Balances, Moved, World, breaks_in, groups_of
from tests.sandbox.process import Sandbox

# A sandbox begun afresh numbers its statements from 1 again, so each test has an account of the bank, that is a
# currency, to itself.
BANK = "platform-test:bank.2118:eur"


@pytest.fixture
def acquirer(tmp_path: Path) -> Iterator[Sandbox]:
    """An acquirer of our own, so that nobody else's payments are in its files."""
    process = Sandbox(tmp_path / "sandbox")
    before = django_settings.SANDBOX_URL
    django_settings.SANDBOX_URL = f"http://127.0.0.1:{process.port}"
    cache.forget()
    yield process
    django_settings.SANDBOX_URL = before
    process.stop()


@pytest.fixture
def settled(acquirer: Sandbox, make_merchant):
    """Call it for a shop at that acquirer, and then to settle the day with some faults."""

    def settle(**faults) -> None:
        acquirer.post("/control/settlement_faults", faults)
        acquirer.post("/control/settle", {"date": clock.today().isoformat()})

    services.match_open_lines(actor="test")
    return World(Shop(make_merchant())), settle


def collect() -> list:
    files = flows.collect(received_by="test")
    services.match_open_lines(actor="test")
    return files


def fee(gross: int) -> int:
    """What the acquirer keeps: half a per cent and five cents."""
    return round(gross * 5 / 1000) + 5


def test_a_day_of_payments_ends_on_the_bank_account(settled) -> None:
    world, settle = settled
    books = Balances(RECEIVABLE, FEES, IN_TRANSIT, BANK)
    moved = [world.capture(10_000), world.capture(2_500), world.refund(500), world.capture(777)]
    settle()
    files = collect()
    fees = fee(10_000) + fee(2_500) + fee(777)
    assert [(file.status, file.lines) for file in files] == [("imported", 4), ("imported", 1)]
    assert [len(groups_of(one)) for one in moved] == [1, 1, 1, 1]
    assert books.gained() == [0, fees, 0, 12_777 - fees]
    assert [breaks_in(file) for file in files] == [[], []]


def test_collecting_again_brings_nothing_new(settled) -> None:
    world, settle = settled
    world.capture(currency="usd")
    settle()
    assert [file.status for file in collect()] == ["imported", "imported"]
    books = Balances(RECEIVABLE.replace("eur", "usd"), "platform-test:bank.1904:usd")
    assert collect() == []
    assert books.gained() == [0, 0]


def test_what_the_acquirer_gets_wrong_is_listed_and_the_rest_is_matched(settled) -> None:
    world, settle = settled
    right, wrong, left_out = (world.capture(amount, currency="gbp") for amount in (10_000, 2_000, 3_000))
    books = Balances(RECEIVABLE.replace("eur", "gbp"))
    settle(wrong_amount={wrong.reference: 1}, omit=[left_out.reference], unknown_lines=2)
    settlement, bank = collect()
    assert (settlement.status, bank.status) == ("imported", "imported")
    assert sorted(row["type"] for row in breaks_in(settlement)) == ["amount_differs", "missing_in_ledger", "missing_in_ledger"]
    assert [len(groups_of(one)) for one in (right, wrong, left_out)] == [1, 0, 0]
    assert breaks_in(bank) == []
    assert books.gained() == [-10_000]


def test_a_yen_and_a_dinar_payment_are_settled_to_the_last_digit(settled) -> None:
    world, settle = settled
    moved = [
        Moved(world.capture(amount, currency=currency).attempt_id, amount, currency)
        for amount, currency in ((1_500, "jpy"), (2_345, "kwd"))
    ]
    settle()
    collect()
    assert [groups_of(one)[0]["amount"] for one in moved] == [1_500, 2_345]


def test_a_file_dated_tomorrow_waits_for_its_day(settled, acquirer: Sandbox, business_time) -> None:
    world, settle = settled
    first, second = world.capture(1_000, currency="chf"), world.capture(2_000, currency="chf")
    settle(omit=[second.reference])
    assert [file.status for file in collect()] == ["imported", "imported"]
    tomorrow = clock.now() + timedelta(days=1)
    acquirer.post("/control/settlement_faults", {})
    acquirer.post("/control/clock", {"advance_s": 86_400})
    acquirer.post("/control/settle", {"date": tomorrow.date().isoformat()})
    assert (collect(), groups_of(second)) == ([], [])
    business_time(timedelta(days=1))
    files = collect()
    assert [file.status for file in files] == ["imported", "imported"]
    assert (len(groups_of(first)), len(groups_of(second))) == (1, 1)
    assert statement_gaps(files[1]) == []


def statement_gaps(file) -> list:
    return db.query(
        "SELECT b.id FROM recon_break b JOIN recon_statement s ON s.id = b.subject_id WHERE s.file_id = %s AND b.state = 'open'",
        [file.file_id],
    )


def test_an_acquirer_that_is_away_is_said_to_be(acquirer: Sandbox) -> None:
    acquirer.stop()
    with pytest.raises(SourceUnavailable, match="connect"):
        flows.collect(received_by="test")
    acquirer.start()
