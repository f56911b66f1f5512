"""The head of a camt.053 statement: whose account, which period, which balances."""

from datetime import date
from typing import Any, NoReturn

from apps.reconciliation.domain import Balance, Statement, currency_code, iso_date, shown
from apps.reconciliation.errors import BadLine
from apps.reconciliation.parsers.camt_tree import day, parts, signed, text_at


class HeadReader:
    """Collects balances while they stream past; `statement` is asked for once, when they are all in."""

    def __init__(self, cut: int, stmt: Any, position: int) -> None:
        self.cut, self.stmt, self.position = cut, stmt, position
        self.line = stmt.sourceline or 0
        self.balances: list[tuple[str, Balance]] = []

    def add_balance(self, element: Any) -> None:
        line = element.sourceline or 0
        found = parts(element, self.cut)
        amount, currency = signed(found.get("Amt"), found.get("CdtDbtInd"), line=line)
        code = text_at(element, self.cut, "Tp", "CdOrPrtry", "Cd")
        self.balances.append((code, Balance(line=line, amount=amount, currency=currency, on=day(found.get("Dt")))))
        element.clear()

    def statement(self) -> Statement:
        opening, closing = self._opening(), self._closing()
        ends_on = (closing and closing.on) or self._date("FrToDt", "ToDtTm") or self._date("CreDtTm") or self._absent("CreDtTm")
        starts_on = self._date("FrToDt", "FrDtTm") or (opening and opening.on) or ends_on
        return Statement(
            line=self.line,
            position=self.position,
            account=self._account(),
            statement_id=self._text("Id") or self._absent("Id"),
            page=self._number("StmtPgntn", "PgNb") or 1,
            sequence=self._number("ElctrncSeqNb"),
            currency=self._currency(opening),
            opening=opening,
            closing=closing,
            starts_on=min(starts_on, ends_on),
            ends_on=ends_on,
        )

    def _opening(self) -> Balance | None:
        """The booked opening balance (or the last closing one); on a page of a longer statement its interim one."""
        for wanted in ("OPBD", "PRCD", "ITBD"):
            for code, balance in self.balances:
                if code == wanted:
                    return balance
        return None

    def _closing(self) -> Balance | None:
        for wanted in ("CLBD", "ITBD"):
            for code, balance in reversed(self.balances):
                if code == wanted:
                    return balance
        return None

    def _account(self) -> str:
        account = self._text("Acct", "Id", "IBAN") or self._text("Acct", "Id", "Othr", "Id")
        return "".join(account.split()).upper() or self._absent("account")

    def _currency(self, opening: Balance | None) -> str:
        if code := self._text("Acct", "Ccy"):
            return currency_code(code, line=self.line)
        return opening.currency if opening else ""

    def _text(self, *names: str) -> str:
        return text_at(self.stmt, self.cut, *names)

    def _date(self, *names: str) -> date | None:
        found = self._text(*names)
        return iso_date(found[:10], line=self.line) if found else None

    def _number(self, *names: str) -> int | None:
        found = self._text(*names)
        if found and not (found.isascii() and found.isdigit() and len(found) <= 18):
            raise BadLine(f"{names[-1]} {shown(found)} is not a number.", line=self.line)
        return int(found) if found else None

    def _absent(self, what: str) -> NoReturn:
        raise BadLine(f"the statement has no {what}.", line=self.line)
