"""Every way in which payments move money, as balanced postings: one function an event.

Amounts are minor units of one currency, debit positive. A template never decides whether money may
move (the ledger's guards do), only from where to where.
"""

from collections.abc import Callable
from typing import Any, TypedDict
from uuid import UUID

from msgspec import Struct

from apps.ledger.domain import merchant_account, platform_account


class Posting(TypedDict):
    account: str
    amount: int


class Book(Struct, frozen=True, gc=False):
    """Account codes of one merchant, mode and currency, and of the platform beside it."""

    merchant_id: UUID
    livemode: bool
    currency: str

    def own(self, name: str) -> str:
        return merchant_account(self.merchant_id, self.livemode, name, self.currency)

    def house(self, name: str) -> str:
        return platform_account(self.livemode, name, self.currency)

    def receivable(self, gateway: str) -> str:
        return self.house(f"gateway_receivable.{gateway}")


def _postings(*movements: tuple[str, int]) -> list[Posting]:
    """The movements that move something; they must sum to zero."""
    assert sum(amount for _, amount in movements) == 0, "postings do not balance"  # noqa: S101  (a template's own arithmetic)
    return [{"account": account, "amount": amount} for account, amount in movements if amount]


def _move(debit: str, credit: str, amount: int) -> list[Posting]:
    return _postings((debit, amount), (credit, -amount))


def capture(book: Book, *, gateway: str, gross: int, fee: int) -> list[Posting]:
    """The gateway owes us `gross`; the merchant's part of it is pending, the fee is ours."""
    return _postings((book.receivable(gateway), gross), (book.own("pending"), fee - gross), (book.house("fees"), -fee))


def release(book: Book, *, amount: int) -> list[Posting]:
    """Pending money is available from its day on."""
    return _move(book.own("pending"), book.own("available"), amount)


def refund(book: Book, *, gateway: str, from_available: int, from_pending: int) -> list[Posting]:
    """The merchant pays the customer back through the gateway, which will keep it of what it owes."""
    total = from_available + from_pending
    return _postings((book.own("available"), from_available), (book.own("pending"), from_pending), (book.receivable(gateway), -total))


def settlement(book: Book, *, gateway: str, gross: int, gateway_fee: int) -> list[Posting]:
    """The gateway pays out `gross` less its own fee; the money is on its way to the bank."""
    return _postings(
        (book.house("in_transit"), gross - gateway_fee), (book.house("gateway_fees"), gateway_fee), (book.receivable(gateway), -gross)
    )


def bank_receipt(book: Book, *, bank_account: str, amount: int) -> list[Posting]:
    """Money on its way has arrived."""
    return _move(book.house(f"bank.{bank_account}"), book.house("in_transit"), amount)


def transfer(book: Book, *, destination: UUID, amount: int) -> list[Posting]:
    """From one merchant's available balance to another's, same mode and currency."""
    return _move(book.own("available"), Book(destination, book.livemode, book.currency).own("available"), amount)


def payout_sent(book: Book, *, amount: int) -> list[Posting]:
    return _move(book.own("available"), book.own("payouts_in_transit"), amount)


def payout_confirmed(book: Book, *, bank_account: str, amount: int) -> list[Posting]:
    return _move(book.own("payouts_in_transit"), book.house(f"bank.{bank_account}"), amount)


def payout_returned(book: Book, *, amount: int) -> list[Posting]:
    return _move(book.own("payouts_in_transit"), book.own("available"), amount)


def dispute_opened(book: Book, *, amount: int, fee: int) -> list[Posting]:
    """The disputed money is set apart; the merchant pays the dispute fee at once."""
    return _postings((book.own("available"), amount + fee), (book.own("disputed"), -amount), (book.house("fees"), -fee))


def dispute_won(book: Book, *, amount: int) -> list[Posting]:
    return _move(book.own("disputed"), book.own("available"), amount)


def dispute_lost(book: Book, *, gateway: str, amount: int) -> list[Posting]:
    return _move(book.own("disputed"), book.receivable(gateway), amount)


def reserve_taken(book: Book, *, amount: int) -> list[Posting]:
    return _move(book.own("available"), book.own("reserve"), amount)


def reserve_released(book: Book, *, amount: int) -> list[Posting]:
    return _move(book.own("reserve"), book.own("available"), amount)


def conversion(book: Book, *, into: str, sold: int, bought: int) -> list[Posting]:
    """The merchant's available `sold` of the book's currency becomes `bought` of `into`; both legs go
    through `trading`, so each currency balances by itself."""
    other = Book(book.merchant_id, book.livemode, into)
    return [
        *_move(book.own("available"), book.house("trading"), sold),
        *_move(other.house("trading"), other.own("available"), bought),
    ]


TEMPLATES: dict[str, Callable[..., list[Posting]]] = {
    "capture": capture,
    "release": release,
    "refund": refund,
    "settlement": settlement,
    "bank_receipt": bank_receipt,
    "transfer": transfer,
    "payout_sent": payout_sent,
    "payout_confirmed": payout_confirmed,
    "payout_returned": payout_returned,
    "dispute_opened": dispute_opened,
    "dispute_won": dispute_won,
    "dispute_lost": dispute_lost,
    "reserve_taken": reserve_taken,
    "reserve_released": reserve_released,
    "conversion": conversion,
}


def entry(kind: str, *, id: UUID, source: str, livemode: bool, sequence: int = 0, postings: list[Posting], **more: Any) -> dict[str, Any]:
    """A command for the ledger's door; `more` are its `holds`, `settles` and `metadata`."""
    command = {"id": id, "kind": kind, "source": source, "sequence": sequence, "livemode": livemode, "postings": postings}
    return {**command, "booked_on": None, **more}
