"""The books after a load: what was acknowledged is there, once, and the sums balance."""

import time
from dataclasses import dataclass
from uuid import UUID

import psycopg
from django.conf import settings

from benchmarks.asked import LEAVES, REPLAYED

# Of Florin (and the peer on its SQL) and of the classic: rows younger than an id, and the sum of all accounts.
_FLORIN = {
    "payment": "SELECT count(*) FROM payments_intent WHERE id >= %s",
    "transfer": "SELECT count(*) FROM payments_transfer WHERE id >= %s",
    "sums": "SELECT count(*) FROM (SELECT FROM ledger_balance b JOIN ledger_account a ON a.id = b.account_id"
    " GROUP BY a.livemode, a.currency HAVING sum(b.posted * a.sign) <> 0) off",
}
_CLASSIC = {
    "payment": "SELECT count(*) FROM classic_paymentintent WHERE id >= 'pi_' || %s",
    "transfer": "SELECT count(*) FROM classic_transfer WHERE id >= 'tr_' || %s",
    "sums": "SELECT count(*) FROM (SELECT FROM classic_account"
    " GROUP BY livemode, currency HAVING sum(CASE WHEN is_debit THEN balance ELSE -balance END) <> 0) off",
}
SETTLE_S = 10


@dataclass(frozen=True)
class Page:
    """The books from now on, as `contender` keeps them in `database`."""

    contender: str
    database: str
    first: UUID

    @classmethod
    def open(cls, contender: str, database: str | None = None) -> "Page":
        milliseconds = time.time_ns() // 1_000_000
        name = settings.OWNER_DATABASE["NAME"]
        return cls(
            contender,
            database or (f"{name}_classic" if contender.startswith("classic") else name),
            UUID(int=(milliseconds << 80) | (7 << 76) | (2 << 62)),
        )

    def faults(self, kind: str, result: dict) -> list[str]:
        """What is wrong, in words. Requests that got no answer may have been done or not."""
        expected = result["acknowledged"] if kind != "replay" else min(result["acknowledged"], REPLAYED)
        most = expected + result["unknown"]
        found = self._rows(kind, expected, most) if kind in LEAVES else 0
        faults = [] if kind not in LEAVES or expected <= found <= most else [f"{found} rows for {expected} to {most} {kind}s"]
        if self._ask("sums")[0]:
            faults.append("the accounts do not sum to zero")
        if result["sample"]["wrong"]:
            faults.append(f"{result['sample']['wrong']} of {result['sample']['checked']} answers looked at were not what was asked for")
        return faults

    def _rows(self, kind: str, least: int, most: int) -> int:
        """Waits for what was still under way when its client left."""
        until, seen, found = time.monotonic() + SETTLE_S, -1, self._ask(LEAVES[kind])[0]
        while time.monotonic() < until and (found < least or (most > least and found != seen)):
            time.sleep(0.2)
            seen, found = found, self._ask(LEAVES[kind])[0]
        return found

    def _ask(self, what: str) -> tuple:
        is_classic = self.contender.startswith("classic")
        with psycopg.connect(settings.DATABASE_OWNER_DSN, dbname=self.database) as owner:
            statement = (_CLASSIC if is_classic else _FLORIN)[what]
            return owner.execute(statement, [] if what == "sums" else [self.first.hex if is_classic else self.first]).fetchone()
