"""Merchants, keys and prices in the back office: read only. Keys are issued, rolled and revoked by
command; nothing here shows a secret or its hash."""

from typing import Any

from django.contrib import admin
from django.db.models import Case, Model, QuerySet, Value, When
from django.db.models.functions import Now
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html, format_html_join
from unfold.admin import TabularInline
from unfold.decorators import display

from apps.core import backoffice
from apps.core.backoffice import ReadOnly, currency
from apps.core.errors import InvalidId
from apps.core.ids import decode, encode
from apps.core.money import format_money
from apps.merchants.models import ApiKey, Merchant, PricingPlan, PricingRate

_KEY_STATES = {"active": "success", "rolled": "warning", "expired": "info", "revoked": "danger"}
# What belongs to a merchant, found by its id in the list's search box.
_LISTS = (
    ("Payment intents", "payments_paymentintent"),
    ("Charges", "payments_charge"),
    ("Balance transactions", "payments_balancetransaction"),
    ("Ledger accounts", "ledger_account"),
    ("Statements", "statements_statement"),
    ("Events", "events_event"),
)


def _page(record: Model, text: str) -> str:
    """`text` as a link to the record's page."""
    name = f"admin:{record._meta.app_label}_{record._meta.model_name}_change"
    return format_html('<a href="{}">{}</a>', reverse(name, args=[record.pk]), text)


def _list_url(name: str) -> str | None:
    """The list's address; None where the admin has no such list."""
    try:
        return reverse(f"admin:{name}_changelist")
    except NoReverseMatch:
        return None


class Records(backoffice.Records):
    """Lists that page without counting and are searched by id or name."""

    ordering = ("-id",)
    found_by: dict[str, str] = {}

    def get_search_results(self, request: HttpRequest, queryset: "QuerySet[Any]", search_term: str) -> "tuple[QuerySet[Any], bool]":
        text = search_term.strip()
        column = self.found_by.get(text.partition("_")[0])
        if column is None:
            return super().get_search_results(request, queryset, search_term)  # type: ignore[no-any-return]
        try:
            return queryset.filter(**{column: decode(text.partition("_")[0], text)}), False
        except InvalidId:
            return queryset.none(), False


class KeysInline(ReadOnly, TabularInline):
    model = ApiKey
    extra = 0
    fields = readonly_fields = ("key", "livemode", "scopes", "created", "last_used_at", "expires_at", "revoked_at")
    verbose_name_plural = "API keys"

    @admin.display(description="Key")
    def key(self, record: ApiKey) -> str:
        return _page(record, str(record))


class RatesInline(ReadOnly, TabularInline):
    model = PricingRate
    extra = 0
    fields = readonly_fields = ("currency", "method", "percentage", "fixed")

    @admin.display(description="Percentage")
    def percentage(self, record: PricingRate) -> str:
        return f"{record.basis_points // 100}.{record.basis_points % 100:02} %"

    @admin.display(description="Fixed")
    def fixed(self, record: PricingRate) -> str:
        return f"{record.fixed_minor} minor units" if record.currency == "*" else format_money(record.fixed_minor, record.currency)


@admin.register(Merchant)
class MerchantAdmin(Records):
    list_display = ("name", "account", "country", "default_currency", "pricing_plan", "created")
    list_select_related = ("pricing_plan",)
    list_filter = (currency("default_currency"),)
    search_fields = ("name", "email")
    search_help_text = "A name, an e-mail address or acct_…"
    found_by = {"acct": "id"}
    inlines = (KeysInline,)
    fields = readonly_fields = (
        "account", "name", "legal_name", "email", "country", "tax_id", "address", "default_currency", "locale",
        "time_zone", "plan", "settings", "created", "belongings",
    )  # fmt: skip

    @admin.display(description="Account")
    def account(self, record: Merchant) -> str:
        return encode("acct", record.id)

    @admin.display(description="Price list")
    def plan(self, record: Merchant) -> str:
        return _page(record.pricing_plan, record.pricing_plan.name)

    @admin.display(description="Belongs to it")
    def belongings(self, record: Merchant) -> str:
        account = encode("acct", record.id)
        found = ((url, account, title) for title, name in _LISTS if (url := _list_url(name)))
        return format_html_join(" · ", '<a href="{}?q={}">{}</a>', found)


@admin.register(ApiKey)
class ApiKeyAdmin(Records):
    list_display = ("__str__", "merchant_link", "livemode", "state", "last_used_at", "created")
    list_select_related = ("merchant",)
    list_filter = ("livemode",)
    search_fields = ("last4",)
    search_help_text = "key_…, acct_… or the last four characters"
    found_by = {"key": "id", "acct": "merchant_id"}
    fields = readonly_fields = (
        "name", "merchant_link", "livemode", "state", "scopes", "created", "last_used_at", "expires_at", "revoked_at",
        "replacement",
    )  # fmt: skip

    @admin.display(description="Id")
    def name(self, record: ApiKey) -> str:
        return encode("key", record.id)

    @admin.display(description="Merchant")
    def merchant_link(self, record: ApiKey) -> str:
        return _page(record.merchant, record.merchant.name)

    @admin.display(description="Replaced by")
    def replacement(self, record: ApiKey) -> str:
        return "–" if record.replaced_by is None else _page(record.replaced_by, str(record.replaced_by))

    @display(description="State", label=_KEY_STATES)
    def state(self, record: ApiKey) -> str:
        return str(getattr(record, "state"))  # noqa: B009  (an annotation: by the database's clock)

    def get_queryset(self, request: HttpRequest) -> "QuerySet[ApiKey]":
        states = Case(
            When(revoked_at__isnull=False, then=Value("revoked")),
            When(expires_at__lte=Now(), then=Value("expired")),
            When(replaced_by__isnull=False, then=Value("rolled")),
            default=Value("active"),
        )
        found: QuerySet[ApiKey] = super().get_queryset(request).annotate(state=states)
        return found


@admin.register(PricingPlan)
class PricingPlanAdmin(Records):
    list_display = ("name", "availability_days", "created")
    search_fields = ("name",)
    inlines = (RatesInline,)
    fields = readonly_fields = ("name", "availability_days", "created")
