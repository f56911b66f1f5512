"""The books in the back office: read only. An entry is corrected by its reversal, never by an edit.

Lists page without counting and in the order of an index; the search boxes take whole ids and codes,
which an index finds.
"""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery, Sum
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from unfold.admin import TabularInline
from unfold.decorators import display

from apps.core import backoffice
from apps.core.backoffice import ReadOnly, months, one_of
from apps.core.errors import InvalidId
from apps.core.ids import decode, encode
from apps.core.money import format_money
from apps.ledger.models import Account, Balance, Entry, Hold, Period, Posting, Seal

_COLOURS = {
    "open": "success",
    "cutoff": "warning",
    "closed": "info",
    "hard_closed": "info",
    "posted": "success",
    "released": "info",
    "expired": "warning",
}


def link(model: str, key: object, text: str) -> str:
    """`text` as a link to the page of the row `key` of a model of the ledger."""
    return format_html('<a href="{}">{}</a>', reverse(f"admin:ledger_{model}_change", args=[key]), text)


class FamilyFilter(admin.SimpleListFilter):
    """By what the account's name means; the names come from a table of a few rows."""

    title = "name"
    parameter_name = "family"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        families = ["available", "pending", "reserve", "disputed", "payouts_in_transit", "gateway_receivable", "bank", "in_transit"]
        families += ["fees", "gateway_fees", "unmatched", "trading", "rounding", "write_offs", "chargeback_losses", "fx_gain", "fx_loss"]
        return [(family, family.replace("_", " ")) for family in families]

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> "QuerySet[Any]":
        return queryset.filter(family=self.value()) if self.value() else queryset


class Records(backoffice.Records):
    """`found_by`: the column that an id with this prefix is looked up in."""

    search_fields: tuple[str, ...] = ("pk",)
    found_by: dict[str, str] = {}

    def get_search_results(self, request: HttpRequest, queryset: "QuerySet[Any]", search_term: str) -> "tuple[QuerySet[Any], bool]":
        text = search_term.strip()
        if not text:
            return queryset, False
        prefix = text.partition("_")[0]
        if prefix not in self.found_by or ":" in text:
            return self.found_by_text(queryset, text), False
        try:
            return queryset.filter(**{self.found_by[prefix]: decode(prefix, text)}), False
        except InvalidId:
            return queryset.none(), False

    def found_by_text(self, queryset: "QuerySet[Any]", text: str) -> "QuerySet[Any]":
        """What a text that is no id finds."""
        return queryset.none()

    @display(description="Status", label=_COLOURS)
    def status_label(self, record: Any) -> str:
        return str(record.status)


def _total(column: str) -> Subquery:
    """The sum over an account's stripes, looked up for the rows of one page only."""
    stripes = Balance.objects.filter(account=OuterRef("pk")).values("account")
    return Subquery(stripes.annotate(total=Sum(column)).values("total"))


@admin.register(Account)
class AccountAdmin(Records):
    list_display = ("code", "kind", "guard", "posted", "held", "postings")
    list_filter = ("livemode", FamilyFilter, one_of("kind", "asset", "liability", "equity", "revenue", "expense"))
    ordering = ("-id",)
    search_help_text = "A merchant (acct_…) or the beginning of a code (platform:fees)"
    found_by = {"acct": "merchant_id", "acc": "id"}
    fields = ("code", "kind", "normal_side", "guard", "currency", "mode", "merchant", "posted", "held", "created", "postings")

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Account]":
        found: QuerySet[Account] = super().get_queryset(request)
        return found.annotate(total_posted=_total("posted"), total_held=_total("held"))

    def found_by_text(self, queryset: "QuerySet[Any]", text: str) -> "QuerySet[Any]":
        return queryset.filter(code__startswith=text)

    @admin.display(description="Balance")
    def posted(self, account: Any) -> str:
        return format_money(account.total_posted or 0, account.currency)

    @admin.display(description="Held")
    def held(self, account: Any) -> str:
        return format_money(account.total_held or 0, account.currency)

    @admin.display(description="Merchant")
    def merchant(self, account: Account) -> str:
        return encode("acct", account.merchant_id) if account.merchant_id else "–"

    @admin.display(description="Postings")
    def postings(self, account: Account) -> str:
        return format_html('<a href="{}?account__id__exact={}">postings</a>', reverse("admin:ledger_posting_changelist"), account.id)


class PostingLines:
    """Columns of postings, on their own list and on their entry's page."""

    @admin.display(description="Account")
    def account_link(self, posting: Posting) -> str:
        return link("account", posting.account_id, posting.account.code)

    @admin.display(description="Debit")
    def debit(self, posting: Posting) -> str:
        return format_money(posting.amount, posting.currency) if posting.amount > 0 else ""

    @admin.display(description="Credit")
    def credit(self, posting: Posting) -> str:
        return format_money(-posting.amount, posting.currency) if posting.amount < 0 else ""

    @admin.display(description="Balance after")
    def after(self, posting: Posting) -> str:
        return "" if posting.balance_after is None else format_money(posting.balance_after, posting.currency)


class PostingInline(PostingLines, ReadOnly, TabularInline):
    model = Posting
    extra = 0
    ordering = ("line",)
    fields = readonly_fields = ("account_link", "debit", "credit", "after")

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Posting]":
        found: QuerySet[Posting] = super().get_queryset(request)
        return found.select_related("account")


@admin.register(Entry)
class EntryAdmin(Records):
    list_display = ("name", "kind", "booked_on", "source", "lines", "mode", "sealed")
    list_filter = ("livemode", months("booked_on"))
    # The order of the index over business dates.
    ordering = ("-booked_on", "-id")
    search_help_text = "An entry (ent_…) or its source (ch_…, re_…)"
    found_by = {"ent": "id"}
    fields = (
        "name", "kind", "booked_on", "recorded_at", "effective_at", "source", "sequence", "reverses_link", "reversed_by_link",
        "mode", "metadata", "sealed",
    )  # fmt: skip
    inlines = (PostingInline,)

    def found_by_text(self, queryset: "QuerySet[Any]", text: str) -> "QuerySet[Any]":
        return queryset.filter(source=text)

    @admin.display(description="Entry")
    def name(self, entry: Entry) -> str:
        return str(entry)

    @admin.display(description="Seal")
    def sealed(self, entry: Entry) -> str:
        return "–" if entry.seal_no is None else link("seal", entry.seal_no, str(entry.seal_no))

    @admin.display(description="Reverses")
    def reverses_link(self, entry: Entry) -> str:
        return "–" if entry.reverses_id is None else _entry_link(entry.reverses_id)

    @admin.display(description="Reversed by")
    def reversed_by_link(self, entry: Entry) -> str:
        found = Entry.objects.filter(reverses=entry.id).values_list("id", flat=True).first()
        return "–" if found is None else _entry_link(found)


def _entry_link(entry_id: UUID) -> str:
    return link("entry", entry_id, encode("ent", entry_id))


@admin.register(Posting)
class PostingAdmin(PostingLines, Records):
    list_display = ("entry_link", "kind", "booked_on", "account_link", "debit", "credit", "after")
    list_display_links = None
    list_select_related = ("account", "entry")
    search_help_text = "An entry (ent_…) or an account (acc_…)"
    found_by = {"ent": "entry_id", "acc": "account_id"}

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        # One account's postings in the order in which its balance moved; all of them by entry (time).
        return ("-id",) if "account__id__exact" in request.GET else ("-entry_id", "-line")

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> None:
        """A posting has no page of its own: it is shown on its entry's."""

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        return lookup == "account__id__exact" or bool(super().lookup_allowed(lookup, value, request))

    @admin.display(description="Entry")
    def entry_link(self, posting: Posting) -> str:
        return _entry_link(posting.entry_id)

    @admin.display(description="Kind")
    def kind(self, posting: Posting) -> str:
        return posting.entry.kind


@admin.register(Hold)
class HoldAdmin(Records):
    list_display = ("account_link", "amount_shown", "status_label", "kind", "source", "created", "expires_at", "resolved_at", "entry_link")
    list_display_links = None
    list_filter = (one_of("status", "open", "posted", "released", "expired"),)
    list_select_related = ("account",)
    ordering = ("-id",)
    search_help_text = "An account (acc_…) or the source of the hold"
    found_by = {"acc": "account_id"}

    def found_by_text(self, queryset: "QuerySet[Any]", text: str) -> "QuerySet[Any]":
        return queryset.filter(source=text)

    @admin.display(description="Account")
    def account_link(self, hold: Hold) -> str:
        return link("account", hold.account_id, hold.account.code)

    @admin.display(description="Amount")
    def amount_shown(self, hold: Hold) -> str:
        return format_money(hold.amount, hold.account.currency)

    @admin.display(description="Posted by")
    def entry_link(self, hold: Hold) -> str:
        return "–" if hold.entry_id is None else _entry_link(hold.entry_id)


@admin.register(Period)
class PeriodAdmin(Records):
    list_display = ("month_name", "status_label", "version", "reason", "changed_at", "closed_at")
    list_filter = (one_of("status", "open", "cutoff", "closed", "hard_closed"),)
    ordering = ("-month",)
    search_fields = ()

    @admin.display(description="Month", ordering="month")
    def month_name(self, period: Period) -> str:
        return str(period)


@admin.register(Seal)
class SealAdmin(Records):
    list_display = ("no", "entries", "sealed_at", "hash_hex")
    ordering = ("-no",)
    search_fields = ()
    fields = ("no", "entries", "sealed_at", "hash_hex", "previous_hex", "entries_link")

    @admin.display(description="Hash (SHA-256)")
    def hash_hex(self, seal: Seal) -> str:
        return bytes(seal.hash).hex()

    @admin.display(description="Hash of the seal before")
    def previous_hex(self, seal: Seal) -> str:
        return bytes(seal.previous).hex()

    @admin.display(description="Entries")
    def entries_link(self, seal: Seal) -> str:
        return format_html('<a href="{}?seal_no={}">its entries</a>', reverse("admin:ledger_entry_changelist"), seal.no)
