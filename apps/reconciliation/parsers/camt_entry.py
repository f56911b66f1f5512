"""One entry (Ntry) of a camt.053 statement."""

from typing import Any, Final

from lxml import etree

from apps.reconciliation.domain import SourceLine, Statement, shown
from apps.reconciliation.errors import BadLine, TotalsDiffer
from apps.reconciliation.parsers.camt_tree import Parts, day, parts, signed, text, text_at

_NOT_BOOKED: Final = frozenset({"PDNG", "INFO", "FUTR"})
_NO_REFERENCE: Final = frozenset({"", "NOTPROVIDED"})
# What names a transaction, best first: what the payer gave, then what banks added on the way.
_REFERENCES: Final = ("EndToEndId", "TxId", "InstrId", "PmtInfId")
_LONGEST_TEXT: Final = 2000


class EntryReader:
    """Turns the entries of one statement into lines."""

    def __init__(self, prefix: str, statement: Statement) -> None:
        self.cut, self.statement = len(prefix), statement
        self.details, self.transaction = prefix + "NtryDtls", prefix + "TxDtls"
        self.unstructured, self.charges = prefix + "Ustrd", f".//{prefix}Chrgs"

    def line(self, entry: Any) -> SourceLine:
        number = entry.sourceline or 0
        found = parts(entry, self.cut)
        amount, currency = signed(found.get("Amt"), found.get("CdtDbtInd"), line=number)
        transactions = self._transactions(entry)
        if len(transactions) > 1:
            self._check_batch(entry, found, transactions, amount)
        only = transactions[0] if len(transactions) == 1 else {}
        value_on = day(found.get("ValDt"))
        return SourceLine(
            number=number,
            raw=etree.tostring(entry, encoding="unicode", with_tail=False),
            kind=self._kind(found, amount, number),
            currency=currency,
            amount=amount,
            booked_on=day(found.get("BookgDt")) or value_on or self.statement.ends_on,
            value_on=value_on,
            external_id=text(found.get("AcctSvcrRef")),
            reference=self._reference(found, only),
            party=self._party(only, amount),
            text=self._text(found, transactions),
            statement=self.statement.position,
        )

    def _transactions(self, entry: Any) -> list[Parts]:
        details = entry.iterchildren(self.details)
        return [parts(one, self.cut) for each in details for one in each.iterchildren(self.transaction)]

    def _kind(self, found: Parts, amount: int, number: int) -> str:
        status = found.get("Sts")
        code = text(status) or text_at(status, self.cut, "Cd")
        if code in _NOT_BOOKED:
            return "pending"
        if code != "BOOK":
            raise BadLine(f"status {shown(code)} of the entry is not known.", line=number)
        if text(found.get("RvslInd")) in ("true", "1"):
            return "reversal"
        return "debit" if amount < 0 else "credit"

    def _reference(self, found: Parts, only: Parts) -> str:
        """The reference of the one transaction behind the entry; of several, only what the entry itself gives."""
        given = parts(only.get("Refs"), self.cut)
        for name in _REFERENCES:
            if (reference := text(given.get(name))) not in _NO_REFERENCE:
                return reference
        structured = text_at(only.get("RmtInf"), self.cut, "Strd", "CdtrRefInf", "Ref")
        batch = structured or text_at(found.get("NtryDtls"), self.cut, "Btch", "PmtInfId")
        return batch or text(found.get("NtryRef"))

    def _party(self, only: Parts, amount: int) -> str:
        """Who stands on the other side: the debtor of what came in, the creditor of what went out."""
        parties = parts(only.get("RltdPties"), self.cut)
        role = "Cdtr" if amount < 0 else "Dbtr"
        party = parties.get(role, parties.get("Ultmt" + role))
        name = text_at(party, self.cut, "Nm") or text_at(party, self.cut, "Pty", "Nm")
        return name[:_LONGEST_TEXT]

    def _text(self, found: Parts, transactions: list[Parts]) -> str:
        remittances = (one.get("RmtInf") for one in transactions)
        texts = [text(part) for one in remittances if one is not None for part in one.iterchildren(self.unstructured)]
        texts.append(text(found.get("AddtlNtryInf")))
        return " ".join(part for part in texts if part)[:_LONGEST_TEXT]

    def _check_batch(self, entry: Any, found: Parts, transactions: list[Parts], amount: int) -> None:
        """The transactions of a batch add up to its entry, where each gives an amount in the entry's currency and
        no charges stand between."""
        number, currency = entry.sourceline or 0, found["Amt"].get("Ccy")
        amounts = [self._amount(one) for one in transactions]
        if any(one is None or one.get("Ccy") != currency for one, _ in amounts) or entry.find(self.charges) is not None:
            return
        default = found.get("CdtDbtInd")
        total = sum(signed(one, default if sign is None else sign, line=number)[0] for one, sign in amounts)
        if total != amount:
            reason = f"its {len(transactions)} transactions make {total}, but the entry is {amount} (minor units)."
            raise TotalsDiffer(reason, line=number)

    def _amount(self, one: Parts) -> tuple[Any, Any]:
        """(Amt, CdtDbtInd) of a transaction, either None where it is absent."""
        amount = one.get("Amt")
        if amount is None:
            details = parts(one.get("AmtDtls"), self.cut)
            amount = parts(details.get("TxAmt"), self.cut).get("Amt")
        return amount, one.get("CdtDbtInd")
