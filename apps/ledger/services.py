"""The ledger's verbs. Everything that changes a balance ends in `ledger_post`."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

import orjson

from apps.core import db, ids
from apps.ledger import errors
from apps.ledger.domain import Posted, mirror, posted


def post(command: dict[str, Any]) -> Posted:
    """The command is booked, whole or not at all. Its members are those of `ledger_post`:
    id, kind, source, livemode, postings; optional booked_on (business date, today), sequence,
    effective_at, reverses, metadata, holds, settles. Amounts in minor units, debit positive.

    Locks: month (shared), then the balances by account.  Posts: one entry.
    Raises: InsufficientFunds, PeriodClosed, AlreadyPosted, AlreadyReversed, Unbalanced, HoldNotOpen,
    UnknownAccount, AccountMismatch, PostingRefused."""
    outcome = post_many([command])[0]
    if "error" in outcome:
        raise errors.refusal(outcome)
    return posted(outcome["ok"])


def post_many(commands: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each command is booked or refused on its own; the outcomes are `{"ok": …}` or `{"error": …}`."""
    return db.call("ledger_post", commands)


def reverse(entry_id: UUID, *, reason: str) -> Posted:
    """The entry is undone by its mirror, booked today. An entry is reversed once.

    Posts: kind `reversal`, source the entry.  Raises: EntryMissing, AlreadyPosted, InsufficientFunds."""
    rows = db.query(
        """SELECT e.livemode, a.code, p.amount FROM ledger_entry e
           JOIN ledger_posting p ON p.entry_id = e.id AND p.booked_on = e.booked_on JOIN ledger_account a ON a.id = p.account_id
           WHERE e.id = %s ORDER BY p.line""",
        [entry_id],
    )
    if not rows:
        raise errors.EntryMissing(id=ids.encode("ent", entry_id))
    postings = mirror((row["code"], row["amount"]) for row in rows)
    command = {"id": ids.new_id(), "kind": "reversal", "source": ids.encode("ent", entry_id), "reverses": entry_id}
    return post(command | {"livemode": rows[0]["livemode"], "metadata": {"reason": reason}, "postings": postings})


def expire_holds(*, at_most: int = 100) -> int:
    """Holds that are past their time hold nothing back any more; returns how many were ended now.

    Locks: the balances by account.  Posts: nothing; each hold ends on its own."""
    rows = db.query(
        """SELECT h.id, h.kind, h.source, a.livemode FROM ledger_hold h JOIN ledger_account a ON a.id = h.account_id
           WHERE h.status = 'open' AND h.expires_at < clock_timestamp() ORDER BY h.expires_at LIMIT %s""",
        [at_most],
    )
    commands = [row | {"id": ids.new_id(), "settles": [{"id": row["id"], "as": "expired"}]} for row in rows]
    return sum("ok" in outcome for outcome in post_many(commands)) if commands else 0


def set_period(*, month: date, status: str, reason: str | None = None) -> dict[str, Any]:
    """The month (its first day) has that status: open, cutoff, closed or hard_closed.

    Locks: the month, alone: whoever was booking into it has finished.  Raises: PeriodRefused."""
    outcome = orjson.loads(db.query("SELECT ledger_set_period(%s, %s, %s)::text AS outcome", [month, status, reason])[0]["outcome"])
    if "error" in outcome:
        raise errors.PeriodRefused(status=status, outcome=" ".join(str(value) for value in outcome.values()))
    result: dict[str, Any] = outcome["ok"]
    return result


def seal(*, at_most: int = 5000) -> int:
    """Entries that nobody can change unseen any more; returns how many were sealed now."""
    sealed: int = db.query("SELECT ledger_seal(%s) AS sealed", [at_most])[0]["sealed"]
    return sealed
