"""Batches against a model of a few lines: the same outcomes and the same balances, to the cent."""

from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.core import db, ids
from apps.ledger import selectors, services
from tests.ledger.book import Book, codes

NAMES = ["available", "pending", "reserve"]
amounts = st.integers(1, 100)


@dataclass
class Model:
    """What the guarded accounts of one merchant hold, what is set aside, and what was posted."""

    posted: dict[str, int] = field(default_factory=lambda: dict.fromkeys(NAMES, 0))
    holds: dict[int, tuple[str, int, str]] = field(default_factory=dict)
    sources: set[int] = field(default_factory=set)

    def held(self, name: str) -> int:
        return sum(amount for account, amount, status in self.holds.values() if account == name and status == "open")

    def free(self, name: str) -> int:
        return self.posted[name] - self.held(name)

    def apply(self, step: tuple[Any, ...]) -> str:
        return getattr(self, step[0])(*step[1:])

    def fund(self, source: int, name: str, amount: int) -> str:
        return self._move(source, {name: amount})

    def move(self, source: int, giver: str, taker: str, amount: int) -> str:
        return self._move(source, {giver: -amount} if giver != taker else {}, {taker: amount} if giver != taker else {})

    def _move(self, source: int, *changes: dict[str, int]) -> str:
        if source in self.sources:
            return "already_posted"
        after = {name: self.posted[name] + sum(change.get(name, 0) for change in changes) for name in NAMES}
        if any(after[name] < self.held(name) for name in NAMES):
            return "insufficient_funds"
        self.posted, self.sources = after, self.sources | {source}
        return "ok"

    def hold(self, hold: int, name: str, amount: int) -> str:
        if hold in self.holds:
            return "already_posted"
        if self.free(name) < amount:
            return "insufficient_funds"
        self.holds[hold] = (name, amount, "open")
        return "ok"

    def settle(self, hold: int, status: str) -> str:
        name, amount, was = self.holds.get(hold, ("", 0, "none"))
        if was != "open":
            return "hold_not_open"
        self.holds[hold] = (name, amount, status)
        return "ok"


names, sources, holds = st.sampled_from(NAMES), st.integers(0, 30), st.integers(0, 8)
steps = st.one_of(
    st.tuples(st.just("fund"), sources, names, amounts),
    st.tuples(st.just("move"), sources, names, names, amounts),
    st.tuples(st.just("hold"), holds, names, amounts),
    st.tuples(st.just("settle"), holds, st.sampled_from(["posted", "released"])),
)


class Scribe:
    """Writes the model's steps as commands on a real merchant's accounts."""

    def __init__(self) -> None:
        self.book = Book()
        self.hold_ids = [ids.new_id() for _ in range(9)]

    def command(self, step: tuple[Any, ...]) -> dict[str, Any]:
        verb, number, *rest = step
        if verb == "hold":
            return self.book.entry(holds=[{"id": self.hold_ids[number], "account": self.book.code(rest[0]), "amount": rest[1]}])
        if verb == "settle":
            return self.book.entry(settles=[{"id": self.hold_ids[number], "as": rest[0]}])
        giver = self.book.house("bank.test") if verb == "fund" else self.book.code(rest[0])
        taker, amount = self.book.code(rest[-2]), rest[-1]
        return self.book.entry((giver, amount), (taker, -amount), source=f"{self.book.merchant}-{number}")


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(batches=st.lists(st.lists(steps, min_size=1, max_size=24), min_size=1, max_size=3))
def test_every_command_of_every_batch_ends_as_it_does_on_paper(batches: list[list[tuple[Any, ...]]]) -> None:
    scribe, model = Scribe(), Model()
    for batch in batches:
        outcomes = services.post_many([scribe.command(step) for step in batch])
        assert codes(outcomes) == [model.apply(step) for step in batch]
    for name in NAMES:
        assert selectors.balance(scribe.book.code(name)) == model.free(name)


def test_a_full_batch_with_one_bad_command_books_the_other_sixty_three(book: Book) -> None:
    commands = [book.fund(10) for _ in range(64)]
    commands[40] = book.spend(10_000)
    outcomes = services.post_many(commands)
    assert [nth for nth, code in enumerate(codes(outcomes)) if code != "ok"] == [40]
    assert book.available() == 630


def test_balances_are_told_as_they_were_after_each_command(book: Book) -> None:
    outcomes = services.post_many([book.fund(100), book.spend(30), book.fund(5)])
    assert [outcome["ok"]["balances"][book.code("available")]["posted"] for outcome in outcomes] == [100, 70, 75]


def test_running_balances_follow_the_order_of_the_lines(book: Book) -> None:
    services.post_many([book.fund(100), book.spend(30), book.spend(80), book.fund(5)])
    after = db.query(
        """SELECT p.balance_after FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id
           WHERE a.code = %s ORDER BY p.id""",
        [book.code("available")],
    )
    assert [row["balance_after"] for row in after] == [100, 70, 75]


def test_a_hold_made_in_a_batch_can_be_settled_in_it(book: Book) -> None:
    hold = {"id": ids.new_id(), "account": book.code("available"), "amount": 60}
    outcomes = services.post_many(
        [book.fund(100), book.entry(holds=[hold]), book.spend(60, settles=[{"id": hold["id"], "as": "posted"}]), book.spend(40)]
    )
    assert codes(outcomes) == ["ok", "ok", "ok", "ok"]
    assert book.available() == 0
