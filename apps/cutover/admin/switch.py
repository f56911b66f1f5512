"""Switches and what became of them. Switches are thrown on pages of their own, never edited as rows."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from apps.core.backoffice import Records, one_of
from apps.core.ids import encode
from apps.cutover import selectors
from apps.cutover.backoffice.forms import RollBackForm
from apps.cutover.backoffice.views import LimitPage, RollBackPage, ThrowPage, may_change
from apps.cutover.domain import ENDPOINTS, EVERY
from apps.cutover.models import Change, Switch


@admin.register(Switch)
class SwitchAdmin(Records):
    """Its list is the screen of all endpoints."""

    fields = (
        "endpoint", "merchant_id", "hot_percent", "max_error_percent", "min_requests", "window_s", "max_difference_percent",
        "min_compared", "changed_at", "changed_by", "reason",
    )  # fmt: skip

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("throw/", wrap(ThrowPage.as_view(model_admin=self)), name="cutover_switch_throw"),
            path("roll-back/", wrap(RollBackPage.as_view(model_admin=self)), name="cutover_switch_roll_back"),
            path("<str:endpoint>/thresholds/", wrap(LimitPage.as_view(model_admin=self)), name="cutover_switch_limit"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = {
            "title": "Switches",
            "opts": self.opts,
            "screen": selectors.screen(),
            "changes": selectors.changes(10),
            "may_change": may_change(request),
            "roll_back": RollBackForm(),
            "seen": selectors.latest_change(),
        }
        return TemplateResponse(request, "cutover/switches.html", self.admin_site.each_context(request) | context)


@admin.register(Change)
class ChangeAdmin(Records):
    list_display = ("at", "what", "actor", "reason")
    list_filter = (one_of("endpoint", EVERY, *ENDPOINTS),)
    ordering = ("-id",)
    fields = ("at", "actor", "what", "reason", "endpoint", "merchant", "before", "after")

    @admin.display(description="What")
    def what(self, change: Change) -> str:
        return change.what

    @admin.display(description="Merchant")
    def merchant(self, change: Change) -> str:
        return "all" if change.merchant_id is None else encode("acct", change.merchant_id)
