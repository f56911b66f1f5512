"""How the admin presents itself: its name, its navigation, its home page."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse_lazy


def _item(title: str, icon: str, model: str) -> dict[str, Any]:
    """An entry that leads to the list of `model` (app_label.model), for whoever may look at it."""
    link = reverse_lazy(f"admin:{model.replace('.', '_')}_changelist")
    return {"title": title, "icon": icon, "link": link, "permission": lambda request: may_view(request, model)}


def may_view(request: HttpRequest, model: str) -> bool:
    """Whether whoever asks may look at the rows of `model` (app_label.model)."""
    app, name = model.split(".")
    return any(request.user.has_perm(f"{app}.{verb}_{name}") for verb in ("view", "change"))


def _group(title: str, *items: dict[str, Any]) -> dict[str, Any]:
    return {"title": title, "separator": True, "collapsible": True, "items": list(items)}


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Florin",
    "SITE_HEADER": "Florin",
    "SITE_SUBHEADER": "Payments back office",
    "SITE_SYMBOL": "account_balance",
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "DASHBOARD_CALLBACK": "config.dashboard.context",
    "COLORS": {
        "primary": {
            "50": "240 253 250", "100": "204 251 241", "200": "153 246 228", "300": "94 234 212", "400": "45 212 191",
            "500": "20 184 166", "600": "13 148 136", "700": "15 118 110", "800": "17 94 89", "900": "19 78 74", "950": "4 47 46",
        }
    },
    "SIDEBAR": {
        "show_search": True,
        "navigation": [
            {"title": "", "items": [{"title": "Home", "icon": "home", "link": reverse_lazy("admin:index")}]},
            _group(
                "Payments",
                _item("Payment intents", "payments", "payments.paymentintent"),
                _item("Charges", "credit_card", "payments.charge"),
                _item("Refunds", "undo", "payments.refund"),
                _item("Transfers", "swap_horiz", "payments.transfer"),
                _item("Attempts", "sync_problem", "payments.attempt"),
                _item("Customers", "group", "payments.customer"),
            ),
            _group(
                "Ledger",
                _item("Accounts", "account_balance_wallet", "ledger.account"),
                _item("Entries", "receipt_long", "ledger.entry"),
                _item("Periods", "calendar_month", "ledger.period"),
                _item("Seals", "verified", "ledger.seal"),
            ),
            _group(
                "Reconciliation",
                _item("Files", "folder_open", "reconciliation.sourcefile"),
                _item("Lines", "format_list_numbered", "reconciliation.linerecord"),
                _item("Payouts", "payments", "reconciliation.payout"),
                _item("Matches", "join_inner", "reconciliation.matchgroup"),
                _item("Breaks", "report", "reconciliation.break"),
                _item("Sources", "cable", "reconciliation.source"),
            ),
            _group(
                "Month end",
                _item("Closes", "event_available", "closing.run"),
                _item("Statements", "description", "statements.statement"),
            ),
            _group(
                "Merchants and events",
                _item("Merchants", "storefront", "merchants.merchant"),
                _item("API keys", "key", "merchants.apikey"),
                _item("Events", "bolt", "events.event"),
                _item("Webhook endpoints", "webhook", "events.webhookendpoint"),
                _item("Deliveries", "outbox", "events.delivery"),
            ),
            _group(
                "Cutover",
                _item("Switches", "alt_route", "cutover.switch"),
                _item("History", "history", "cutover.change"),
                _item("Shadow differences", "difference", "cutover.difference"),
                _item("Shadow rates", "percent", "cutover.shadowrate"),
            ),
            _group("Work", _item("Schedule", "schedule", "django_celery_beat.periodictask"), _item("Users", "person", "auth.user")),
        ],
    },
}  # fmt: skip
