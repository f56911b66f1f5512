"""The bank's statements: the standard's structure, and balances that run on from day to day."""

import xml.etree.ElementTree as ET
from decimal import Decimal

import pytest

from sandbox.camt import NAMESPACE, iban
from tests.sandbox.test_settlement import DAY, NEXT, content, settle

# The order in which camt.053.001.08 wants the elements that these statements use.
ORDER = {
    "BkToCstmrStmt": ["GrpHdr", "Stmt"],
    "GrpHdr": ["MsgId", "CreDtTm"],
    "Stmt": ["Id", "ElctrncSeqNb", "CreDtTm", "FrToDt", "Acct", "Bal", "Bal", "Ntry"],
    "FrToDt": ["FrDtTm", "ToDtTm"],
    "Acct": ["Id", "Ccy", "Ownr", "Svcr"],
    "FinInstnId": ["BICFI", "Nm"],
    "Bal": ["Tp", "Amt", "CdtDbtInd", "Dt"],
    "Ntry": ["NtryRef", "Amt", "CdtDbtInd", "Sts", "BookgDt", "ValDt", "AcctSvcrRef", "BkTxCd", "NtryDtls", "AddtlNtryInf"],
    "Fmly": ["Cd", "SubFmlyCd"],
    "TxDtls": ["Refs", "Amt", "CdtDbtInd", "RltdPties", "RmtInf"],
    "Refs": ["AcctSvcrRef", "EndToEndId"],
}


class Statement:
    def __init__(self, data: bytes) -> None:
        self.root = ET.fromstring(data)
        self.stmt = self.find("Stmt", self.root[0])

    def find(self, path: str, under=None) -> ET.Element:
        steps = "/".join(f"{{{NAMESPACE}}}{step}" for step in path.split("/"))
        found = (self.stmt if under is None else under).find(steps)
        assert found is not None, path
        return found

    def text(self, path: str) -> str:
        return self.find(path).text or ""

    def amount(self, element: ET.Element) -> Decimal:
        sign = -1 if self.find("CdtDbtInd", element).text == "DBIT" else 1
        return sign * Decimal(self.find("Amt", element).text)

    def balances(self) -> dict[str, Decimal]:
        every = self.stmt.findall(f"{{{NAMESPACE}}}Bal")
        return {self.find("Tp/CdOrPrtry/Cd", one).text: self.amount(one) for one in every}


def statement(bank, payout):
    return Statement(content(bank, payout, "bank"))


def test_elements_stand_in_the_order_of_the_standard(bank):
    bank.authorize()
    root = statement(bank, settle(bank)["eur"]).root
    assert root.tag == f"{{{NAMESPACE}}}Document"
    shown = [(e.tag.split("}")[1], [child.tag.split("}")[1] for child in e]) for e in root.iter()]
    checked = [(name, children) for name, children in shown if name in ORDER]
    assert checked
    assert all(children == ORDER[name] for name, children in checked)


def test_the_entry_is_the_payout(bank):
    bank.authorize(amount=1000)
    payout = settle(bank)["eur"]
    got = statement(bank, payout)
    entry = got.find("Ntry")
    assert (got.text("Acct/Id/IBAN"), got.text("Acct/Ccy")) == (payout["account"], "EUR")
    assert (got.amount(entry), got.find("Amt", entry).get("Ccy")) == (Decimal("9.90"), "EUR")
    assert got.text("Ntry/NtryDtls/TxDtls/Refs/EndToEndId") == payout["payout_id"]
    assert got.text("Ntry/NtryDtls/TxDtls/RmtInf/Ustrd") == f"SANDBOX ACQUIRER PAYOUT {payout['payout_id']}"
    assert (got.text("Ntry/BookgDt/Dt"), got.text("Ntry/ValDt/Dt"), got.text("Ntry/Sts/Cd")) == (DAY, DAY, "BOOK")


def test_balances_and_numbers_run_on_over_days_and_restarts(bank):
    closing = Decimal(0)
    for number, (day, amount) in enumerate([(DAY, 1000), (NEXT, 2500), ("2026-10-05", 1)], start=1):
        bank.authorize(amount=amount)
        payout = settle(bank, day)["eur"]
        got = statement(bank, payout)
        assert (got.text("ElctrncSeqNb"), got.balances()["OPBD"]) == (str(number), closing)
        closing += got.amount(got.find("Ntry"))
        assert got.balances()["CLBD"] == closing
        bank.restart()
    assert closing == Decimal("9.90") + Decimal("24.83") + Decimal("-0.04")


def test_a_payout_below_zero_is_debited(bank):
    charged = bank.authorize(amount=1000)["reference"]
    settle(bank)
    bank.call("refund", authorization=charged, amount=1000, currency="eur")
    payout = settle(bank, NEXT)["eur"]
    got = statement(bank, payout)
    assert (payout["net"], got.amount(got.find("Ntry"))) == (-1000, Decimal("-10.00"))
    assert got.balances() == {"OPBD": Decimal("9.90"), "CLBD": Decimal("-0.10")}
    assert got.text("Ntry/NtryDtls/TxDtls/RltdPties/Cdtr/Pty/Nm") == "Sandbox Acquirer"


def test_a_day_without_movement_has_no_statement(bank):
    bank.authorize()
    settle(bank)
    assert settle(bank, NEXT) == {}
    assert len(bank.get("/files/bank")["files"]) == 1


@pytest.mark.parametrize("currency", ["eur", "usd", "gbp", "jpy", "kwd", "chf", "zzz"])
def test_account_numbers_are_valid_and_lasting(currency):
    number = iban(currency)
    digits = "".join(str(int(c, 36)) for c in number[4:] + number[:4])
    assert (number[:2], number[4:8], len(number), int(digits) % 97) == ("NL", "SBNK", 18, 1)
    assert number == iban(currency)
