"""Payments in the back office: read only. Money moves by the API and by services, never by editing a row.

Lists page without counting and are ordered by id (time); the search box takes ids of any kind that a
row refers to, and finds them by index.
"""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from unfold.admin import TabularInline
from unfold.decorators import display

from apps.core import backoffice
from apps.core.backoffice import ReadOnly
from apps.core.errors import InvalidId
from apps.core.ids import decode, encode
from apps.core.money import format_money
from apps.payments.models import (
    Attempt,
    BalanceTransaction,
    Charge,
    Customer,
    Funds,
    PaymentIntent,
    PaymentMethod,
    Refund,
    Transfer,
)

_COLOURS = {
    "succeeded": "success",
    "failed": "danger",
    "canceled": "danger",
    "processing": "warning",
    "unknown": "warning",
    "waiting": "info",
    "requires_action": "info",
    "requires_capture": "info",
    "pending": "warning",
}
_PAGES: dict[str, type[Model]] = {
    "pi": PaymentIntent, "att": Attempt, "ch": Charge, "re": Refund, "cus": Customer, "pm": PaymentMethod, "tr": Transfer,
    "txn": BalanceTransaction,
}  # fmt: skip


def link(prefix: str, id: UUID | None) -> str:
    """The object's id as a link to its page."""
    if id is None:
        return "–"
    meta = _PAGES[prefix]._meta
    return format_html('<a href="{}">{}</a>', reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[id]), encode(prefix, id))


def linked(prefix: str, column: str, description: str) -> Any:
    """A column that links to what the row's `column` refers to."""

    @admin.display(description=description)
    def shown(record: Any) -> str:
        return link(prefix, getattr(record, column))

    return shown


def money(column: str, description: str) -> Any:
    """A column with an amount in the row's currency."""

    @admin.display(description=description)
    def shown(record: Any) -> str:
        return format_money(getattr(record, column), record.currency)

    return shown


class Records(backoffice.Records):
    """`found_by`: the column that an id with this prefix is looked up in."""

    ordering = ("-id",)
    search_fields = ("id",)
    search_help_text = "An id (pi_…, ch_…, acct_…)"
    found_by: dict[str, str] = {}

    def get_search_results(self, request: HttpRequest, queryset: "QuerySet[Any]", search_term: str) -> "tuple[QuerySet[Any], bool]":
        text = search_term.strip()
        if not text:
            return queryset, False
        prefix = text.partition("_")[0]
        column = {**self.found_by, "acct": "merchant_id"}.get(prefix)
        try:
            return (queryset.filter(**{column: decode(prefix, text)}) if column else self.found_otherwise(queryset, text)), False
        except InvalidId:
            return queryset.none(), False

    def found_otherwise(self, queryset: "QuerySet[Any]", text: str) -> "QuerySet[Any]":
        """What a text that is no id finds."""
        return queryset.none()

    @admin.display(description="Id", ordering="id")
    def name(self, record: Any) -> str:
        return str(record)

    @admin.display(description="Account")
    def account(self, record: Any) -> str:
        return encode("acct", record.merchant_id)

    @display(description="Status", label=_COLOURS)
    def state_label(self, record: Any) -> str:
        return str(getattr(record, "status", None) or record.state)


class Part(ReadOnly, TabularInline):
    """Rows that belong to another one, on its page."""

    extra = 0
    show_change_link = True
    ordering = ("id",)


class AttemptsOfIntent(Part):
    model = Attempt
    fields = readonly_fields = (
        "kind",
        "state",
        "amount",
        "code",
        "decline_code",
        "network_reference",
        "looks",
        "next_look_at",
        "started_at",
        "ended_at",
    )


class ChargesOfIntent(Part):
    model = Charge
    fields = readonly_fields = ("status", "amount", "amount_captured", "amount_refunded", "failure_code", "created")


class RefundsOfCharge(Part):
    model = Refund
    fields = readonly_fields = ("status", "amount", "reason", "failure_reason", "created")


@admin.register(PaymentIntent)
class PaymentIntentAdmin(Records):
    list_display = ("name", "state_label", money("amount", "Amount"), money("amount_received", "Received"), "account", "mode", "created")
    list_filter = ("status", "livemode")
    inlines = (AttemptsOfIntent, ChargesOfIntent)
    exclude = ("client_secret",)
    found_by = {"pi": "id", "cus": "customer_id", "pm": "payment_method_id", "ch": "latest_charge_id"}


@admin.register(Attempt)
class AttemptAdmin(Records):
    list_display = (
        "name",
        "kind",
        "state_label",
        money("amount", "Amount"),
        linked("pi", "intent_id", "Intent"),
        "code",
        "looks",
        "next_look_at",
        "mode",
        "started_at",
    )
    list_filter = ("state", "kind", "livemode")
    found_by = {"att": "id", "pi": "intent_id", "re": "refund_id"}


@admin.register(Charge)
class ChargeAdmin(Records):
    list_display = (
        "name",
        "state_label",
        money("amount", "Authorised"),
        money("amount_captured", "Captured"),
        money("amount_refunded", "Refunded"),
        linked("pi", "intent_id", "Intent"),
        linked("txn", "balance_transaction_id", "Booked as"),
        "account",
        "mode",
        "created",
    )
    list_filter = ("status", "captured", "livemode")
    inlines = (RefundsOfCharge,)
    found_by = {"ch": "id", "pi": "intent_id", "cus": "customer_id"}


@admin.register(Refund)
class RefundAdmin(Records):
    list_display = (
        "name",
        "state_label",
        money("amount", "Amount"),
        money("from_available", "From available"),
        money("from_pending", "From pending"),
        linked("ch", "charge_id", "Charge"),
        linked("att", "attempt_id", "Attempt"),
        "account",
        "mode",
        "created",
    )
    list_filter = ("status", "livemode")
    found_by = {"re": "id", "ch": "charge_id"}


@admin.register(Customer)
class CustomerAdmin(Records):
    list_display = ("name", "person", "email", "account", "mode", "created", "deleted_at")
    list_filter = ("livemode",)
    search_help_text = "An id (cus_…, acct_…) or a whole e-mail address"
    found_by = {"cus": "id"}

    @admin.display(description="Name")
    def person(self, record: Customer) -> str:
        return record.name or "–"

    def found_otherwise(self, queryset: "QuerySet[Any]", text: str) -> "QuerySet[Any]":
        return queryset.filter(email=text)


@admin.register(PaymentMethod)
class PaymentMethodAdmin(Records):
    list_display = ("name", "card_text", linked("cus", "customer_id", "Customer"), "gateway", "account", "mode", "created", "detached_at")
    list_filter = ("livemode",)
    found_by = {"pm": "id", "cus": "customer_id"}

    @admin.display(description="Card")
    def card_text(self, record: PaymentMethod) -> str:
        card = record.card
        return f"{card['brand']} …{card['last4']} {card['exp_month']:02d}/{card['exp_year']}" if card else "–"


@admin.register(Transfer)
class TransferAdmin(Records):
    list_display = (
        "name",
        money("amount", "Amount"),
        "account",
        "destination",
        linked("txn", "balance_transaction_id", "Booked as"),
        "mode",
        "created",
    )
    list_filter = ("livemode",)
    found_by = {"tr": "id"}

    @admin.display(description="To")
    def destination(self, record: Transfer) -> str:
        return encode("acct", record.destination_id)


@admin.register(BalanceTransaction)
class BalanceTransactionAdmin(Records):
    list_display = (
        "name",
        "type",
        money("amount", "Amount"),
        money("fee", "Fee"),
        money("net", "Net"),
        "source_link",
        "available_on",
        "released",
        "account",
        "mode",
        "created",
    )
    list_filter = ("type", "released", "livemode")
    found_by = {"txn": "id"}

    @admin.display(description="Source")
    def source_link(self, record: BalanceTransaction) -> str:
        prefix = record.source.partition("_")[0]
        return link(prefix, decode(prefix, record.source))

    def found_otherwise(self, queryset: "QuerySet[Any]", text: str) -> "QuerySet[Any]":
        return queryset.filter(source=text)


@admin.register(Funds)
class FundsAdmin(Records):
    list_display = (
        "charge_name",
        money("amount", "Amount"),
        money("remaining", "Still pending"),
        "available_on",
        "releases",
        "account",
        "mode",
    )
    list_filter = ("livemode",)
    ordering = ("-charge_id",)
    found_by = {"ch": "charge_id"}

    @admin.display(description="Charge", ordering="charge_id")
    def charge_name(self, record: Funds) -> str:
        return encode("ch", record.charge_id)
