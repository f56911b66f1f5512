"""The acquirer at work: journal, state, clock and faults of one data directory, and the files it publishes."""

import asyncio
import os
import time
from datetime import date
from pathlib import Path

from msgspec import UNSET

from sandbox import engine
from sandbox.clock import BadTime, Clock, checked, iso, parse
from sandbox.engine import Operation, State
from sandbox.faults import Faults
from sandbox.journal import Journal
from sandbox.settlement import Books
from sandbox.shapes import (
    ClockRequest,
    Entry,
    FileFacts,
    Payout,
    Refused,
    Request,
    Settlement,
    SettlementFaults,
    SettleRequest,
)


class Service:
    """Between `start` and `stop` the data directory belongs to this process alone."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.journal = Journal(data_dir / "journal.jsonl")
        self.state = State()
        self.clock = Clock()
        self.faults = Faults()
        self.settlement_faults = SettlementFaults()
        self.published: dict[tuple[str, str], FileFacts] = {}
        self._settling = asyncio.Lock()

    async def start(self) -> None:
        """State, clock and files are what the journal says."""
        for entry in self.journal.open():
            engine.apply(self.state, entry, known_since=float("-inf"))
        self.clock.shift_us = self.state.shift_us
        for made in self.state.books.settlements:
            await self._publish(made)

    async def stop(self) -> None:
        await self.journal.close()

    @property
    def books(self) -> Books:
        return self.state.books

    async def operate(self, request: Request) -> Operation:
        """The operation of that reference, durable; made now unless the same request made it before."""
        known = self.state.operations.get(request.reference)
        if known is None:
            self._record(engine.decide(self.state, request, seq=self.journal.next_seq, at=self.clock.now()))
            known = self.state.operations[request.reference]
        elif not known.was(request):
            raise Refused(409, "reference_reused", "This reference belongs to another request.")
        await self.journal.durable(known.seq)
        return known

    async def look_up(self, reference: str) -> Operation | None:
        """The operation, durable, or None: unknown, or too young for look-ups to show it."""
        known = self.state.operations.get(reference)
        if known is None or time.monotonic() - known.known_since < self.faults.settings.lookup_404_s:
            return None
        await self.journal.durable(known.seq)
        return known

    async def authenticate(self, operation: Operation, *, approved: bool) -> Operation:
        """The customer's answer stands; only the first one counts, and none counts once the payment was withdrawn."""
        if awaits_customer(operation):
            seq, at = self.journal.next_seq, self.clock.now()
            self._record(engine.authenticate(operation, approved=approved, seq=seq, at=at))
        await self.journal.durable(operation.seq)
        return operation

    async def set_clock(self, request: ClockRequest) -> None:
        """The clock shows what was asked and ticks on; a `now` of null is real time again."""
        try:
            shift_us = self._shift(request)
        except BadTime as error:
            raise Refused(400, "invalid_time", str(error)) from error
        entry = Entry(seq=self.journal.next_seq, at=iso(self.clock.now_us()), kind="clock", shift_us=shift_us)
        self._record(entry)
        self.clock.shift_us = shift_us
        await self.journal.durable(entry.seq)

    async def settle(self, request: SettleRequest) -> list[Payout]:
        """Everything due by that date is paid out once, and its files are in place."""
        day, currency = _valid_date(request.date), self._currency(request.account)
        async with self._settling:
            if not self.books.is_done(day, currency):
                await self._settle(day, currency)
        return self.books.payouts(day, currency)

    def _record(self, entry: Entry) -> None:
        self.journal.append(entry)
        engine.apply(self.state, entry, known_since=time.monotonic())

    def _shift(self, request: ClockRequest) -> int:
        shift_us = self.clock.shift_us
        if request.now is None:
            shift_us = 0
        elif request.now is not UNSET:
            shift_us += parse(request.now) - self.clock.now_us()
        shift_us += round(request.advance_s * 1_000_000)
        checked(self.clock.now_us() - self.clock.shift_us + shift_us)
        return shift_us

    def _currency(self, account: str | None) -> str | None:
        """The currency of one of our accounts: a settlement may be confined to it."""
        if account is None:
            return None
        currency = self.books.currency_of(account)
        if currency is None:
            raise Refused(400, "unknown_account", "No money is booked for that account.")
        return currency

    async def _settle(self, day: str, currency: str | None) -> None:
        made = self.books.draft(day, currency, self.settlement_faults, self.clock.now())
        entry = Entry(seq=self.journal.next_seq, at=made.at, kind="settlement", settlement=made)
        self._record(entry)
        self.settlement_faults = SettlementFaults()
        await self.journal.durable(entry.seq)
        await self._publish(made)

    async def _publish(self, made: Settlement) -> None:
        """The settlement's files are on disk and listed. After the journal: a crash in between is mended at start."""
        contents = await asyncio.to_thread(self.books.files, made)
        for facts, data in contents:
            await asyncio.to_thread(_ensure_file, self.path_of(facts), data)
            self.published[facts.kind, facts.name] = facts

    def path_of(self, facts: FileFacts) -> Path:
        return self.data_dir / facts.kind / facts.name


def awaits_customer(operation: Operation) -> bool:
    return operation.status == "requires_action" and not operation.voided


def _valid_date(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise Refused(400, "invalid_date", "There is no such day.") from error


def _ensure_file(path: Path, data: bytes) -> None:
    """The file holds `data`, whole, or does not exist yet: a reader never sees a part of it."""
    if path.exists() and path.stat().st_size == len(data):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.part")
    with draft.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
    directory = os.open(path.parent, os.O_RDONLY)
    os.fsync(directory)
    os.close(directory)
