"""Our own side, as payments leaves it: attempts with their outcome, and the capture or refund in the ledger."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from apps.core import clock, db, ids

RECEIVABLE = "gateway_receivable.sandbox"


@dataclass(frozen=True, kw_only=True)
class Movement:
    """An attempt that moved money (signed minor units), or tried to."""

    id: UUID
    amount: int
    merchant_id: UUID
    livemode: bool

    @property
    def reference(self) -> str:
        return ids.encode("att", self.id)


def scope(livemode: bool) -> str:
    return "platform" if livemode else "platform-test"


def movements(
    count: int = 1, *, merchant_id: UUID, amount: int = 1000, currency: str = "eur", livemode: bool = False, kind: str = "authorize",
    state: str = "succeeded", created: datetime | None = None,
) -> list[Movement]:
    """`count` attempts of `amount` (negative: refunds). Those that succeeded are on the gateway receivable."""
    made = [Movement(id=ids.new_id(), amount=amount, merchant_id=merchant_id, livemode=livemode) for _ in range(count)]
    at = created or clock.now()
    with connection.cursor() as cursor:
        for part in (made[n : n + 2000] for n in range(0, count, 2000)):
            _insert_attempts(cursor, part, currency, "refund" if amount < 0 else kind, state, at)
            if state == "succeeded":
                _book(part, currency, at)
    return made


def movement(**details: Any) -> Movement:
    return movements(1, **details)[0]


def _insert_attempts(cursor: Any, made: list[Movement], currency: str, kind: str, state: str, at: datetime) -> None:
    intents = [ids.new_id() for _ in made]
    cursor.execute(
        """
        INSERT INTO payments_intent (id, merchant_id, livemode, created, status, amount, amount_capturable, amount_received, currency,
            capture_method, confirmation_method, client_secret, metadata, payment_method_options)
        SELECT i, %s, %s, %s, 'succeeded', %s, 0, 0, %s, 'automatic', 'automatic', 'secret', '{}', '{}' FROM unnest(%s::uuid[]) i
        """,
        [made[0].merchant_id, made[0].livemode, at, abs(made[0].amount), currency, intents],
    )
    cursor.execute(
        """
        INSERT INTO payments_attempt (id, intent_id, merchant_id, livemode, created, kind, state, gateway, amount, currency, capture,
            off_session, request, sent_until, next_look_at, authorization_id)
        SELECT a, i, %s, %s, %s, %s, %s, 'sandbox', %s, %s, %s = 'authorize', false, '{}', clock_timestamp(),
            CASE WHEN %s IN ('succeeded', 'failed') THEN NULL ELSE clock_timestamp() + interval '1 day' END,
            CASE WHEN %s <> 'authorize' THEN a END
        FROM unnest(%s::uuid[], %s::uuid[]) t (a, i)
        """,
        [made[0].merchant_id, made[0].livemode, at, kind, state, abs(made[0].amount), currency, kind, state, kind,
         [one.id for one in made], intents],
    )  # fmt: skip


def _book(made: list[Movement], currency: str, at: datetime) -> None:
    """What a capture or refund leaves on the receivable; the other side stands in for the merchant and our fee."""
    outcomes = db.call(
        "ledger_post",
        [
            {
                "id": ids.new_id(), "kind": "capture" if one.amount > 0 else "refund", "source": one.reference, "livemode": one.livemode,
                "booked_on": None, "metadata": {}, "postings": [
                    {"account": f"{scope(one.livemode)}:{RECEIVABLE}:{currency}", "amount": one.amount},
                    {"account": f"{scope(one.livemode)}:unmatched:{currency}", "amount": -one.amount},
                ],
            }
            for one in made
        ],
    )  # fmt: skip
    assert all("ok" in outcome for outcome in outcomes), outcomes
