"""Why the ledger refuses a command."""

from typing import Any
from uuid import UUID

from apps.core import ids
from apps.core.errors import FlorinError


class PostingRefused(FlorinError):
    """The ledger does not take this entry; nothing was booked."""

    type = "invalid_request_error"
    code = "posting_refused"
    status = 400
    message = "The ledger refused the entry: {outcome}"


class InsufficientFunds(PostingRefused):
    """A guarded account would go below zero."""

    code = "balance_insufficient"
    message = "You have insufficient funds in your Florin account for this."


class PeriodClosed(PostingRefused):
    """The month is not open for booking."""

    code = "period_closed"
    message = "The month {month} is not open."


class AlreadyPosted(PostingRefused):
    """The source has posted this kind before; `entry_id` is the entry it made."""

    code = "already_posted"
    message = "This was posted before, as entry {entry_id}."


class Unbalanced(PostingRefused):
    """The postings do not sum to zero per currency, or there are fewer than two."""

    code = "entry_unbalanced"
    message = "The postings of an entry sum to zero in every currency."


class HoldNotOpen(PostingRefused):
    """The hold was posted, released or expired before, or never made."""

    code = "hold_not_open"
    message = "The hold is not open."


class AlreadyReversed(PostingRefused):
    """The entry was undone before, by the entry `entry_id`."""

    code = "already_reversed"
    message = "This was reversed before, by entry {entry_id}."


class UnknownAccount(PostingRefused):
    """No account can have that code."""

    code = "ledger_account_unknown"
    message = "There is no account {account}."


class AccountMismatch(PostingRefused):
    """The account is of another mode or currency, or cannot hold money back."""

    code = "ledger_account_mismatch"
    message = "The account {account} does not fit: {outcome}."


class PeriodRefused(FlorinError):
    """The month cannot move to that status now."""

    type = "invalid_request_error"
    code = "period_refused"
    status = 400
    message = "The month cannot be moved to {status}: {outcome}"


class EntryMissing(FlorinError):
    """There is no such entry."""

    type = "invalid_request_error"
    code = "entry_missing"
    status = 404
    message = "No such ledger entry: {id}"


_BY_OUTCOME: dict[str, type[PostingRefused]] = {
    "insufficient_funds": InsufficientFunds,
    "period_closed": PeriodClosed,
    "already_posted": AlreadyPosted,
    "already_reversed": AlreadyReversed,
    "unbalanced": Unbalanced,
    "hold_not_open": HoldNotOpen,
    "unknown_account": UnknownAccount,
    "account_mode_mismatch": AccountMismatch,
    "account_currency_mismatch": AccountMismatch,
    "account_not_guarded": AccountMismatch,
}


def refusal(outcome: dict[str, Any]) -> PostingRefused:
    """The error for `{"error": …}`. Ids in it are shown as the API writes them."""
    fields: dict[str, Any] = {"entry_id": None, "outcome": outcome["error"]} | outcome
    del fields["error"]
    if fields["entry_id"]:
        fields["entry_id"] = ids.encode("ent", UUID(fields["entry_id"]))
    return _BY_OUTCOME.get(outcome["error"], PostingRefused)(**fields)
