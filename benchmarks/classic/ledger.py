"""The books: balanced entries on accounts that are locked while they move."""

from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone
from rest_framework.exceptions import ValidationError

from benchmarks.classic.models import Account, BalanceTransaction, Entry, Merchant, Posting

_DEBIT = {"bank", "gateway_receivable"}
_SATURDAY = 5


@dataclass(frozen=True)
class Movement:
    """`amount` on the account of that name; debit positive. No merchant: the platform's own."""

    name: str
    amount: int
    merchant: Merchant | None = None


def post(kind: str, source: str, movements: list[Movement], *, currency: str, livemode: bool) -> Entry:
    """Books `movements` in the caller's transaction. Accounts are locked in the order of their ids.
    Raises ValidationError where a merchant would be below zero."""
    if sum(moved.amount for moved in movements) != 0:
        raise ValueError("postings do not balance")
    entry = Entry.objects.create(kind=kind, source=source, livemode=livemode, booked_on=timezone.now().date())
    accounts = _locked(movements, currency, livemode)
    postings = []
    for moved, account in zip(movements, accounts, strict=True):
        account.balance += moved.amount if account.is_debit else -moved.amount
        if account.merchant_id and account.balance < 0:
            raise ValidationError({"amount": "The balance is insufficient."}, code="balance_insufficient")
        postings.append(Posting(entry=entry, account=account, amount=moved.amount, balance_after=account.balance))
    Posting.objects.bulk_create(postings)
    Account.objects.bulk_update(accounts, ["balance"])
    return entry


def _locked(movements: list[Movement], currency: str, livemode: bool) -> list[Account]:
    """The movements' accounts, each opened on first use."""
    codes = [_code(moved, currency, livemode) for moved in movements]
    found = {account.code: account for account in Account.objects.select_for_update().filter(code__in=codes).order_by("pk")}
    if len(found) < len(codes):
        for moved, code in zip(movements, codes, strict=True):
            about = {"merchant": moved.merchant, "name": moved.name, "currency": currency, "livemode": livemode}
            Account.objects.get_or_create(code=code, defaults=about | {"is_debit": moved.name in _DEBIT})
        return _locked(movements, currency, livemode)
    return [found[code] for code in codes]


def _code(moved: Movement, currency: str, livemode: bool) -> str:
    return f"{moved.merchant.id if moved.merchant else 'platform'}:{moved.name}:{currency}:{'live' if livemode else 'test'}"


def capture(merchant: Merchant, *, charge_id: str, amount: int, currency: str, livemode: bool) -> BalanceTransaction:
    """The gateway owes us `amount`; the merchant's part of it is pending, the fee is ours."""
    fee = fee_for(amount, merchant)
    movements = [Movement("gateway_receivable", amount), Movement("pending", fee - amount, merchant), Movement("fees", -fee)]
    entry = post("capture", charge_id, movements, currency=currency, livemode=livemode)
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
