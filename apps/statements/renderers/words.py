"""The words printed on a statement."""

from datetime import date, datetime

from babel.dates import format_date, format_datetime
from babel.numbers import get_currency_name

ROWS = {
    "payments": "Payments received",
    "refunds": "Refunds",
    "disputes": "Disputes",
    "dispute_reversals": "Disputes won",
    "fees": "Fees",
    "transfers_in": "Transfers in",
    "transfers_out": "Transfers out",
    "conversions": "Currency conversions",
    "adjustments": "Adjustments",
    "payouts": "Payouts to your bank",
}
# Rows that are printed even when nothing happened in them.
ALWAYS = frozenset({"payments", "refunds", "fees", "payouts"})

ACCOUNTS = {
    "available": "Available",
    "pending": "Pending",
    "reserve": "Reserve",
    "payouts_in_transit": "Payouts on their way",
    "disputed": "Held for disputes",
}

_KINDS = {
    "capture": "Payment",
    "charge": "Payment",
    "payment": "Payment",
    "refund": "Refund",
    "refund_failed": "Refund returned",
    "refund_returned": "Refund returned",
    "transfer": "Transfer",
    "payout": "Payout",
    "payout_sent": "Payout",
    "reversal": "Correction",
    "payout_returned": "Payout returned",
    "dispute_opened": "Dispute opened",
    "dispute_won": "Dispute won",
    "dispute_lost": "Dispute lost",
    "fee": "Fee",
    "conversion": "Currency conversion",
}


def kind(name: str) -> str:
    """What an entry of this kind is called."""
    return _KINDS.get(name) or name.replace("_", " ").replace(".", " ").capitalize()


def day(value: date) -> str:
    return format_date(value, "d MMMM y", locale="en")


def short_day(value: date) -> str:
    return format_date(value, "dd MMM", locale="en")


def month(value: date) -> str:
    return format_date(value, "MMMM y", locale="en")


def period(first: date, last: date) -> str:
    return f"{first.day}–{day(last)}"


def instant(value: datetime) -> str:
    return format_datetime(value, "d MMMM y, HH:mm", locale="en") + " UTC"


def currency(code: str) -> str:
    return f"{code.upper()} – {get_currency_name(code.upper(), locale='en')}"
