"""The books: balanced entries on accounts that are locked while they move."""

from datetime import timedelta

from django.utils import timezone
from rest_framework.exceptions import ValidationError

from benchmarks.classic.models import Account, BalanceTransaction, Entry, Merchant, Posting

_DEBIT = {"bank", "gateway_receivable"}
_SATURDAY = 5


def account(name: str, currency: str, livemode: bool, merchant: Merchant | None = None) -> Account:
    """The account of that name, opened on first use."""
    code = f"{merchant.id if merchant else 'platform'}:{name}:{currency}:{'live' if livemode else 'test'}"
    defaults = {"merchant": merchant, "name": name, "currency": currency, "livemode": livemode, "is_debit": name in _DEBIT}
    return Account.objects.get_or_create(code=code, defaults=defaults)[0]


def post(kind: str, source: str, movements: list[tuple[Account, int]], *, livemode: bool) -> Entry:
    """Books `movements` (debit positive) in the caller's transaction. Accounts are locked in the order of
    their ids. Raises ValidationError where a merchant would be below zero."""
    if sum(amount for _, amount in movements) != 0:
        raise ValueError("postings do not balance")
    entry = Entry.objects.create(kind=kind, source=source, livemode=livemode, booked_on=timezone.now().date())
    ids = [moved.pk for moved, _ in movements]
    locked = {found.pk: found for found in Account.objects.select_for_update().filter(pk__in=ids).order_by("pk")}
    postings = []
    for moved, amount in movements:
        held = locked[moved.pk]
        held.balance += amount if held.is_debit else -amount
        if held.merchant_id and held.balance < 0:
            raise ValidationError({"amount": "The balance is insufficient."}, code="balance_insufficient")
        postings.append(Posting(entry=entry, account=held, amount=amount, balance_after=held.balance))
    Posting.objects.bulk_create(postings)
    Account.objects.bulk_update(locked.values(), ["balance"])
    return entry


def capture(merchant: Merchant, *, charge_id: str, amount: int, currency: str, livemode: bool) -> BalanceTransaction:
    """The gateway owes us `amount`; the merchant's part of it is pending, the fee is ours."""
    fee = fee_for(amount, merchant)
    movements = [
        (account("gateway_receivable", currency, livemode), amount),
        (account("pending", currency, livemode, merchant), fee - amount),
        (account("fees", currency, livemode), -fee),
    ]
    entry = post("capture", charge_id, movements, livemode=livemode)
    return BalanceTransaction.objects.create(
        merchant=merchant, livemode=livemode, type="charge", amount=amount, fee=fee, net=amount - fee, currency=currency,
        available_on=available_on(merchant), source=charge_id, entry=entry,
    )  # fmt: skip


def fee_for(amount: int, merchant: Merchant) -> int:
    """Minor units kept of a captured `amount`, at most all of it."""
    return min(amount, round(amount * merchant.fee_basis_points / 10_000) + merchant.fee_fixed)


def available_on(merchant: Merchant):
    """The day on which money captured today is available: business days from now."""
    day = timezone.now().date()
    for _ in range(merchant.availability_days):
        day += timedelta(days=1)
        while day.weekday() >= _SATURDAY:
            day += timedelta(days=1)
    return day
