"""What was captured and refunded is paid out once, and the two files agree to the minor unit."""

import csv
import hashlib
import io
from decimal import Decimal

import pytest

from sandbox.settlement import fee
from tests.sandbox.process import new_reference

DAY, NEXT = "2026-10-01", "2026-10-02"
COLUMNS = ["payout_id", "line_id", "type", "reference", "authorization", "captured_at", "currency", "gross", "fee", "net"]


def settle(bank, date=DAY, **more):
    status, answer = bank.post("/control/settle", {"date": date, **more})
    assert status == 200, answer
    return {payout["currency"]: payout for payout in answer["payouts"]}


def content(bank, payout, kind):
    (facts,) = (one for one in payout["files"] if one["kind"] == kind)
    data = bank.raw("GET", f"/files/{kind}/{facts['name']}").content
    assert (len(data), hashlib.sha256(data).hexdigest()) == (facts["size"], facts["sha256"])
    return data


def lines(bank, payout):
    return list(csv.DictReader(io.StringIO(content(bank, payout, "settlement").decode(), newline="")))


def test_a_payout_is_the_sum_of_its_lines(bank):
    charged = bank.authorize(amount=1000)["reference"]
    held = bank.authorize(amount=900, capture=False)["reference"]
    taken = bank.call("capture", authorization=held, amount=500, currency="eur")["reference"]
    given_back = bank.call("refund", authorization=charged, amount=300, currency="eur")["reference"]
    payout = settle(bank)["eur"]
    assert {name: payout[name] for name in ("lines", "gross", "refunds", "fee", "net", "opening", "closing")} == {
        "lines": 3, "gross": 1500, "refunds": 300, "fee": 17, "net": 1183, "opening": 0, "closing": 1183,
    }  # fmt: skip
    rows = lines(bank, payout)
    assert [(r["type"], r["reference"], r["authorization"], r["gross"], r["fee"], r["net"]) for r in rows] == [
        ("capture", charged, charged, "10.00", "0.10", "9.90"),
        ("capture", taken, held, "5.00", "0.07", "4.93"),
        ("refund", given_back, charged, "-3.00", "0.00", "-3.00"),
    ]
    assert sum(Decimal(r["net"]) for r in rows) == Decimal("11.83")


def test_the_csv_has_a_fixed_header_and_one_payout(bank):
    bank.authorize()
    payout = settle(bank)["eur"]
    text = content(bank, payout, "settlement").decode()
    assert text.split("\r\n")[0].split(",") == COLUMNS
    assert text.endswith("\r\n")
    (row,) = lines(bank, payout)
    assert (row["payout_id"], row["currency"], row["captured_at"][:11]) == (payout["payout_id"], "EUR", f"{DAY}T")
    assert len(payout["payout_id"]) <= 35


@pytest.mark.parametrize(("currency", "gross", "kept"), [("jpy", "1000", "10"), ("kwd", "1.000", "0.010"), ("usd", "10.00", "0.10")])
def test_files_show_major_units_with_the_currencys_exponent(bank, currency, gross, kept):
    bank.authorize(currency=currency)
    payout = settle(bank)[currency]
    (row,) = lines(bank, payout)
    assert (row["gross"], row["fee"]) == (gross, kept)
    assert f'Ccy="{currency.upper()}">{row["net"]}<'.encode() in content(bank, payout, "bank")


@pytest.mark.parametrize(("gross", "kept"), [(1, 5), (100, 5), (101, 6), (300, 7), (500, 7), (700, 9), (900, 9), (1000, 10)])
def test_the_fee_is_half_a_percent_to_even_plus_five(gross, kept):
    assert fee(gross) == kept


def test_a_date_is_settled_once(bank):
    bank.authorize()
    first = settle(bank)
    bank.authorize()
    assert settle(bank) == first
    assert settle(bank, NEXT)["eur"]["gross"] == 1000


def test_only_what_happened_by_the_date_is_settled(bank):
    early = bank.authorize()["reference"]
    bank.post("/control/clock", {"now": f"{NEXT}T00:00:01Z"})
    late = bank.authorize()["reference"]
    assert [row["reference"] for row in lines(bank, settle(bank)["eur"])] == [early]
    assert [row["reference"] for row in lines(bank, settle(bank, NEXT)["eur"])] == [late]


def test_declined_voided_and_waiting_payments_are_not_settled(bank):
    bank.authorize("pm_card_chargeDeclined")
    bank.authorize("pm_card_authenticationRequired")
    bank.call("void", authorization=bank.authorize(capture=False)["reference"])
    bank.authorize(capture=False)
    assert settle(bank) == {}
    assert bank.get("/files/settlement") == bank.get("/files/bank") == {"files": []}


def test_a_payment_the_customer_approved_is_settled_as_an_authorisation(bank):
    asked = bank.authorize("pm_card_authenticationRequired")["reference"]
    bank.raw("POST", f"/authenticate/{asked}", b"action=approve")
    (row,) = lines(bank, settle(bank)["eur"])
    assert (row["reference"], row["authorization"], row["gross"]) == (asked, asked, "10.00")


def test_each_currency_has_its_payout_account_and_files(bank):
    for currency in ("eur", "usd", "jpy"):
        bank.authorize(currency=currency)
    payouts = settle(bank)
    assert list(payouts) == ["eur", "jpy", "usd"]
    assert len({p["account"] for p in payouts.values()}) == len({p["payout_id"] for p in payouts.values()}) == 3
    assert [file["name"] for file in bank.get("/files/bank")["files"]] == [f"camt053-{DAY}-{c}.xml" for c in ("EUR", "JPY", "USD")]
    assert sorted(path.name for path in (bank.data_dir / "settlement").iterdir()) == [
        f"settlement-{DAY}-{c}.csv" for c in ("EUR", "JPY", "USD")
    ]


def test_a_settlement_may_be_confined_to_one_account(bank):
    for currency in ("eur", "usd"):
        bank.authorize(currency=currency)
    account = settle(bank, NEXT)["usd"]["account"]
    bank.authorize(currency="usd")
    bank.authorize(currency="eur")
    assert list(settle(bank, "2026-10-03", account=account)) == ["usd"]
    assert list(settle(bank, "2026-10-03")) == ["usd", "eur"]


def test_settlements_survive_a_kill_and_lost_files_are_written_again(bank):
    bank.authorize()
    payout = settle(bank)["eur"]
    before = [content(bank, payout, kind) for kind in ("settlement", "bank")]
    bank.kill()
    for facts in payout["files"]:
        (bank.data_dir / facts["kind"] / facts["name"]).unlink()
    bank.start()
    assert [content(bank, payout, kind) for kind in ("settlement", "bank")] == before
    assert settle(bank) == {"eur": payout}
    assert settle(bank, NEXT) == {}


def test_line_ids_come_of_the_reference_alone(bank):
    reference = new_reference()
    bank.authorize()
    bank.authorize(reference=reference)
    row = lines(bank, settle(bank)["eur"])[1]
    digest = hashlib.blake2b(f"capture:{reference}".encode(), digest_size=10).hexdigest()
    assert (row["reference"], row["line_id"]) == (reference, f"sbl_{digest}")


def test_the_journal_and_the_list_tell_of_every_settlement(bank):
    bank.authorize()
    payout = settle(bank)["eur"]
    (listed,) = bank.get("/control/settlements")["settlements"]
    assert (listed["date"], listed["payouts"]) == (DAY, [payout])
    assert bank.journal()[-1]["settlement"] == listed


def test_planted_faults_break_the_file_but_not_its_sum(bank):
    kept, wrong, omitted = (bank.authorize()["reference"] for _ in range(3))
    bank.post("/control/settlement_faults", {"omit": [omitted], "wrong_amount": {wrong: -1}, "unknown_lines": 2})
    payout = settle(bank)["eur"]
    rows = lines(bank, payout)
    assert [(row["reference"], row["gross"]) for row in rows] == [
        (kept, "10.00"), (wrong, "9.99"), (f"att_unknown_{DAY}_1", "10.00"), (f"att_unknown_{DAY}_2", "11.00"),
    ]  # fmt: skip
    assert sum(Decimal(row["net"]) for row in rows) * 100 == payout["net"] == 4099 - (10 + 10 + 10 + 11)


def test_planted_faults_strike_once_and_what_was_omitted_comes_later(bank):
    omitted = bank.authorize()["reference"]
    bank.authorize()
    bank.post("/control/settlement_faults", {"omit": [omitted], "unknown_lines": 1})
    settle(bank)
    bank.restart()
    assert [row["reference"] for row in lines(bank, settle(bank, NEXT)["eur"])] == [omitted]
    assert bank.get("/control/settlement_faults") == {"omit": [], "wrong_amount": {}, "unknown_lines": 0}
