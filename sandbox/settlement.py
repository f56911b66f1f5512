"""What the acquirer owes and pays out: open lines, one payout per currency and settlement, and the settlement CSV."""

import csv
import hashlib
import io
from collections import defaultdict
from typing import Literal, NamedTuple

from msgspec import Struct, structs

from sandbox import camt
from sandbox.money import major
from sandbox.shapes import Entry, FileFacts, Payout, Settlement, SettlementFaults

HEADER = (
    "payout_id", "line_id", "type", "reference", "authorization", "captured_at", "currency", "gross", "fee", "net"
)  # fmt: skip
Kind = Literal["capture", "refund"]
FEE_PER_MILLE, FEE_FIXED = 5, 5


class Movement(NamedTuple):
    """A capture or refund as the journal has it; it becomes a `Line` when it is settled."""

    kind: Kind
    entry: Entry
    authorization: str


class Line(Struct, frozen=True, kw_only=True, gc=False):
    """One captured payment or refund; minor units, a refund's `gross` is negative, `at` is ISO 8601."""

    line_id: str
    type: Kind
    reference: str
    authorization: str
    at: str
    currency: str
    gross: int
    fee: int

    @property
    def net(self) -> int:
        return self.gross - self.fee


def fee(gross: int) -> int:
    """What the acquirer keeps of a captured payment: 0.5 % rounded half to even, plus 5 minor units."""
    whole, rest = divmod(gross * FEE_PER_MILLE, 1000)
    return whole + (rest > 500 or (rest == 500 and whole % 2 == 1)) + FEE_FIXED


def _line(moved: Movement, faults: SettlementFaults) -> Line:
    """The line for what moved, with the error that `faults` plants in its gross amount."""
    entry, is_capture = moved.entry, moved.kind == "capture"
    amount = entry.amount or 0
    return Line(
        line_id=_line_id(moved.kind, str(entry.reference)),
        type=moved.kind,
        reference=str(entry.reference),
        authorization=moved.authorization,
        at=entry.at,
        currency=str(entry.currency),
        gross=(amount if is_capture else -amount) + faults.wrong_amount.get(str(entry.reference), 0),
        fee=fee(amount) if is_capture else 0,
    )


def _line_id(kind: str, reference: str) -> str:
    # From the reference, not from a counter: a sandbox begun afresh never reuses an old line's id.
    return "sbl_" + hashlib.blake2b(f"{kind}:{reference}".encode(), digest_size=10).hexdigest()


class Books:
    """Money moved and not yet settled, and every settlement made. Changed by journal entries only."""

    def __init__(self) -> None:
        self.open: defaultdict[str, list[Movement]] = defaultdict(list)
        self.settlements: list[Settlement] = []
        self.settled_lines: dict[str, list[Line]] = {}
        self._statements: dict[str, tuple[int, int]] = {}

    def add(self, kind: Kind, entry: Entry, authorization: Entry) -> None:
        """`entry` moved money under `authorization` and is due at the next settlement."""
        self.open[str(entry.currency)].append(Movement(kind, entry, str(authorization.reference)))

    def is_done(self, date: str, currency: str | None) -> bool:
        """Whether that date was settled before, for that currency or for all."""
        return any(s.date == date and s.currency in (None, currency) for s in self.settlements)

    def currency_of(self, account: str) -> str | None:
        """The currency of the bank account with that IBAN, if anything was ever due on it."""
        return next((currency for currency in self.open if camt.iban(currency) == account), None)

    def payouts(self, date: str | None = None, currency: str | None = None) -> list[Payout]:
        every = (p for s in self.settlements for p in s.payouts)
        return [p for p in every if date in (None, p.date) and currency in (None, p.currency)]

    def due(self, date: str, currency: str | None, faults: SettlementFaults, at: str) -> dict[str, list[Line]]:
        """The lines that settling would pay, by currency; a currency with none is absent."""
        wanted = sorted(self.open) if currency is None else [currency]
        moved = {one: self._split(one, date, faults)[0] for one in wanted}
        found = {one: [_line(each, faults) for each in movements] for one, movements in moved.items() if movements}
        for one in list(found)[:1]:
            found[one] += _unknown_lines(date, one, faults.unknown_lines, at)
        return found

    def draft(self, date: str, currency: str | None, faults: SettlementFaults, at: str) -> Settlement:
        """The settlement to record, with the facts of the files it will have; changes nothing."""
        due = self.due(date, currency, faults, at)
        payouts = [self._payout(date, one, lines, at) for one, lines in due.items()]
        return Settlement(date=date, at=at, currency=currency, faults=faults, payouts=payouts)

    def settle(self, made: Settlement) -> None:
        """The settlement's lines are paid: no later one carries them."""
        due = self.due(made.date, made.currency, made.faults, made.at)
        self.settlements.append(made)
        for payout in made.payouts:
            self.settled_lines[payout.payout_id] = due[payout.currency]
            self._statements[payout.currency] = payout.sequence, payout.closing
            _, self.open[payout.currency] = self._split(payout.currency, made.date, made.faults)

    def files(self, made: Settlement) -> list[tuple[FileFacts, bytes]]:
        """Every file of the settlement with its bytes; the same bytes whenever they are made."""
        return [(facts, data) for payout in made.payouts for facts, data in zip(payout.files, self._render(payout, made.at), strict=True)]

    def _render(self, payout: Payout, at: str) -> list[bytes]:
        return _render(payout, self.settled_lines[payout.payout_id], at)

    def _split(self, currency: str, date: str, faults: SettlementFaults) -> tuple[list[Movement], list[Movement]]:
        due: list[Movement] = []
        later: list[Movement] = []
        for moved in self.open.get(currency, ()):
            is_due = moved.entry.at[:10] <= date and moved.entry.reference not in faults.omit
            (due if is_due else later).append(moved)
        return due, later

    def _payout(self, date: str, currency: str, lines: list[Line], at: str) -> Payout:
        sequence, opening = self._statements.get(currency, (0, 0))
        net = sum(line.net for line in lines)
        payout = Payout(
            payout_id=_payout_id(date, currency, lines), date=date, currency=currency, lines=len(lines),
            gross=sum(line.gross for line in lines if line.type == "capture"),
            refunds=-sum(line.gross for line in lines if line.type == "refund"),
            fee=sum(line.fee for line in lines), net=net, account=camt.iban(currency),
            sequence=sequence + 1, opening=opening, closing=opening + net, files=[],
        )  # fmt: skip
        return structs.replace(payout, files=_facts(payout, _render(payout, lines, at)))


def _payout_id(date: str, currency: str, lines: list[Line]) -> str:
    digest = hashlib.blake2b("".join(line.line_id for line in lines).encode(), digest_size=4).hexdigest()
    return f"po_sbx_{date.replace('-', '')}{currency}_{digest}"


def _unknown_lines(date: str, currency: str, count: int, at: str) -> list[Line]:
    """Captures of payments that nobody made, of 1000, 1100, 1200, … minor units."""
    lines = []
    for number in range(count):
        reference = f"att_unknown_{date}_{number + 1}"
        entry = Entry(seq=0, at=at, kind="capture", reference=reference, amount=1000 + 100 * number, currency=currency)
        lines.append(_line(Movement("capture", entry, reference), SettlementFaults()))
    return lines


def _render(payout: Payout, lines: list[Line], at: str) -> list[bytes]:
    return [settlement_csv(payout, lines), camt.statement(payout, at)]


def _facts(payout: Payout, contents: list[bytes]) -> list[FileFacts]:
    day = f"{payout.date}-{payout.currency.upper()}"
    names: list[tuple[Literal["settlement", "bank"], str]] = [
        ("settlement", f"settlement-{day}.csv"),
        ("bank", f"camt053-{day}.xml"),
    ]
    return [
        FileFacts(kind=kind, name=name, size=len(data), sha256=hashlib.sha256(data).hexdigest(), date=payout.date)
        for (kind, name), data in zip(names, contents, strict=True)
    ]


def settlement_csv(payout: Payout, lines: list[Line]) -> bytes:
    """RFC 4180, UTF-8, major units with a dot; the sum of `net` is what the bank books."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(HEADER)
    for line in lines:
        amounts = [major(minor, line.currency) for minor in (line.gross, line.fee, line.net)]
        writer.writerow(
            [
                payout.payout_id,
                line.line_id,
                line.type,
                line.reference,
                line.authorization,
                _second(line.at),
                line.currency.upper(),
                *amounts,
            ]
        )
    return text.getvalue().encode()


def _second(at: str) -> str:
    return f"{at[:19]}Z"
