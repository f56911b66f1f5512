"""Made-up months of a merchant, for the renderers: plain data, no database."""

import random
from datetime import date, timedelta
from uuid import UUID

from apps.core import ids
from apps.statements import domain
from apps.statements.domain import Cover, DataSet, Movement, Party, Previous

OCTOBER = date(2026, 10, 1)
ISSUER = Party(name="Florin Payments Ltd", legal_name="Florin Payments Ltd", address=["1 Ledger Lane", "Dublin 2"], tax_id="IE1234567T")


def movements(count: int, chance: random.Random) -> list[Movement]:
    """`count` movements of October, of all kinds, in order."""
    return [_movement(OCTOBER + timedelta(days=number * 31 // count), chance) for number in range(count)]


def _movement(day: date, chance: random.Random) -> Movement:
    kind, amounts, fee = chance.choice((_payment, _payment, _payment, _refund, _release, _payout, _transfer, _dispute))(chance)
    entry, source = (UUID(int=chance.getrandbits(125)) for _ in range(2))
    return Movement(
        entry=ids.encode("ent", entry),
        booked_on=day,
        kind=kind,
        source=ids.encode("ch", source),
        note=chance.choice(("", "", "Order 4711")),
        amounts=amounts,
        fee=fee,
        postings=len(amounts),
    )


def _payment(chance: random.Random) -> tuple[str, dict[str, int], int]:
    gross = chance.randrange(100, 900_000)
    fee = gross * 29 // 1000 + 30
    return "capture", {"pending": gross - fee}, fee


def _refund(chance: random.Random) -> tuple[str, dict[str, int], int]:
    return "refund", {"available": -chance.randrange(1, 20_000)}, 0


def _release(chance: random.Random) -> tuple[str, dict[str, int], int]:
    amount = chance.randrange(1, 90_000)
    return "funds_available", {"available": amount, "pending": -amount}, 0


def _payout(chance: random.Random) -> tuple[str, dict[str, int], int]:
    amount = chance.randrange(1, 90_000)
    return "payout", {"available": -amount, "payouts_in_transit": amount}, 0


def _transfer(chance: random.Random) -> tuple[str, dict[str, int], int]:
    return "transfer", {"available": chance.choice((-1, 1)) * chance.randrange(1, 5_000)}, 0


def _dispute(chance: random.Random) -> tuple[str, dict[str, int], int]:
    amount = chance.randrange(1, 5_000)
    return "dispute_opened", {"available": -amount - 1500, "disputed": amount}, 1500


def data_set(
    count: int = 60,
    *,
    seed: int = 1,
    currency: str = "eur",
    exponent: int = 2,
    livemode: bool = True,
    name: str = "Haverkamp & Söhne GmbH",
    opening: int = 1_234_567,
) -> DataSet:
    """A data set that adds up, with `count` movements."""
    moved = movements(count, random.Random(seed)) if count else []
    lines = domain.lines(moved, opening)
    found = DataSet(
        issuer=ISSUER,
        merchant=Party(id="acct_01k8w3t5v2fq8s9m4n7p6r1x0a", name=name, legal_name=name, address=["Königsallee 92", "40212 Düsseldorf"]),
        livemode=livemode,
        currency=currency,
        exponent=exponent,
        month=OCTOBER,
        last_day=date(2026, 10, 31),
        time_zone="UTC",
        previous=Previous(number="2026-000017", closing=opening),
        opening=opening,
        rows=domain.bridge(lines),
        closing=opening + sum(line.net for line in lines),
        accounts=domain.accounts(moved, {"available": opening}),
        fees=domain.fees(lines),
        lines=lines,
        internal_movements=len(moved) - len(lines),
        postings=sum(movement.postings for movement in moved),
    )
    domain.verify(found)
    return found


def cover(data: DataSet, *, number: str = "2026-000042") -> Cover:
    """A cover for the data, issued on 1 November 2026, 00:01 UTC."""
    body = domain.canonical(data)
    return Cover(id="stmt_01k8w3t5v2fq8s9m4n7p6r1x0a", number=number, version=1, issued_at=1_793_491_260, data_sha256=domain.digest(body))
