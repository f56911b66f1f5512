"""A shop whose payments are settled and paid out, and what one asks of reconciliation in tests."""

import random
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson

from apps.core import db, ids
from apps.ledger import selectors as ledger
from apps.reconciliation import services
from apps.reconciliation.domain import ImportedFile, Matched, explain_break
from tests.payments.shop import Shop
from tests.reconciliation.files import Entry, Line, Stmt, camt, new_payout, settlement

Row = dict[str, Any]


@dataclass(frozen=True)
class Moved:
    """A capture or refund of the shop; `amount` is negative for a refund."""

    attempt_id: UUID
    amount: int
    currency: str = "eur"

    @property
    def reference(self) -> str:
        return ids.encode("att", self.attempt_id)

    def line(self, **changes: Any) -> Line:
        """The settlement line that brings it."""
        fee = 10 if self.amount > 0 else 0
        defaults = {"gross": self.amount, "fee": fee, "reference": self.reference, "currency": self.currency.upper()}
        return Line(**(defaults | changes))


def new_account() -> str:
    """An account of ours at the sandbox's bank that no other test uses."""
    return f"NL{random.randrange(10, 99)}SBNK0000{random.randrange(10**6):06d}"


@dataclass
class World:
    shop: Shop
    account: str = field(default_factory=new_account)
    _balance: int = 0

    def capture(self, amount: int = 1000, **params: Any) -> Moved:
        intent = self.shop.pay(amount, **params)
        assert intent["status"] == "succeeded", intent
        self.intent = intent
        return Moved(self.shop.attempt()["id"], amount, intent["currency"])

    def refund(self, amount: int) -> Moved:
        """A refund of the payment captured last."""
        self.shop.refund(self.intent, amount=amount)
        return Moved(self.shop.attempt("refund")["id"], -amount)

    def take(self, data: bytes, name: str = "file") -> ImportedFile:
        done = services.import_file(data=data, name=name, received_by="test")
        assert done.status == "imported", done
        return done

    def settle(self, *lines: Line) -> ImportedFile:
        return self.take(settlement(*lines))

    def bank(self, *entries: Entry, **statement: Any) -> ImportedFile:
        """The next statement of the account: it opens with what the last one closed with."""
        changes = {"account": self.account, "opening": self._balance} | statement
        self._balance = changes["opening"] + sum(entry.amount for entry in entries)
        return self.take(camt(Stmt(entries=list(entries), **changes)))

    def match(self) -> Matched:
        return services.match_open_lines(actor="test")

    def pay_out(self, *moved: Moved) -> str:
        """Settles and pays out in one go; returns the payout's id."""
        payout = new_payout()
        lines = [one.line(payout=payout) for one in moved]
        self.settle(*lines)
        self.bank(Entry(amount=sum(line.net for line in lines), reference=payout))
        self.match()
        return payout

    @property
    def bank_code(self) -> str:
        return f"platform-test:bank.{self.account[-4:].lower()}:eur"


def groups_of(moved: Moved) -> list[Row]:
    """The groups that ever explained the movement, oldest first."""
    return db.query(
        "SELECT g.* FROM recon_match_group g JOIN recon_match_leg l ON l.group_id = g.id WHERE l.movement_id = %s ORDER BY g.id",
        [moved.attempt_id],
    )


def payout_groups(reference: str) -> list[Row]:
    return db.query(
        """SELECT g.* FROM recon_match_group g JOIN recon_match_leg l ON l.group_id = g.id
           JOIN recon_payout p ON p.id = l.payout_id WHERE p.reference = %s ORDER BY g.id""",
        [reference],
    )


def entries_of(group: Row) -> list[Row]:
    """(account, amount) of everything that the group booked."""
    return db.query(
        """SELECT e.kind, a.code, p.amount FROM ledger_entry e JOIN ledger_posting p ON p.entry_id = e.id
           JOIN ledger_account a ON a.id = p.account_id WHERE e.id = ANY(%s) ORDER BY e.id, p.line""",
        [group["entry_ids"]],
    )


def breaks_in(file: ImportedFile, state: str = "open") -> list[Row]:
    """The breaks about lines of the file, by line, with their sentence."""
    rows = db.query(
        """SELECT b.*, b.facts::text AS facts_text, l.number FROM recon_break b JOIN recon_source_line l ON l.id = b.subject_id
           WHERE l.file_id = %s AND b.state = %s ORDER BY l.number""",
        [file.file_id, state],
    )
    return [_told(row) for row in rows]


def breaks_about(subject: str, subject_id: UUID) -> list[Row]:
    rows = db.query(
        "SELECT b.*, b.facts::text AS facts_text FROM recon_break b WHERE subject = %s AND subject_id = %s", [subject, subject_id]
    )
    return [_told(row) for row in rows]


def _told(row: Row) -> Row:
    row["facts"] = orjson.loads(row["facts_text"])
    return row | {"reason": explain_break(row["type"], row["facts"], amount=row["amount"], currency=row["currency"])}


def open_lines(file: ImportedFile) -> int:
    return db.query("SELECT count(*) AS n FROM recon_open_line WHERE file_id = %s", [file.file_id])[0]["n"]


def register_bank(account: str, ledger_name: str = "bank") -> None:
    """The bank account `account` is ours, booked under `ledger_name`."""
    db.query(
        """INSERT INTO recon_source (code, kind, accounts, ledger_name, livemode, overdue_days)
           VALUES (%s, 'bank', %s, %s, true, 3) RETURNING code""",
        [f"bank_{account}", account, ledger_name],
    )


class Balances:
    """What platform accounts of test mode gained since this was made."""

    def __init__(self, *codes: str) -> None:
        self.codes = codes
        self.before = self._now()

    def _now(self) -> list[int]:
        return [ledger.balance(code) for code in self.codes]

    def gained(self) -> list[int]:
        return [now - before for now, before in zip(self._now(), self.before, strict=True)]


RECEIVABLE = "platform-test:gateway_receivable.sandbox:eur"
FEES = "platform-test:gateway_fees:eur"
IN_TRANSIT = "platform-test:in_transit:eur"
