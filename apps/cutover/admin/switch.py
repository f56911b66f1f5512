"""Switches and what became of them: read only here."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.paginator import InfinitePaginator

from apps.core.ids import encode
from apps.cutover.models import Change


class Records(ModelAdmin):
    """Rows to look at: nobody adds, changes or deletes them here. Lists do not count their rows."""

    paginator = InfinitePaginator
    show_full_result_count = False
    list_per_page = 50
    actions = None

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Change)
class ChangeAdmin(Records):
    list_display = ("at", "endpoint", "merchant", "actor", "reason")
    list_filter = ("endpoint",)
    ordering = ("-id",)
    fields = ("at", "endpoint", "merchant", "actor", "reason", "before", "after")

    @admin.display(description="Merchant")
    def merchant(self, change: Change) -> str:
        return "all" if change.merchant_id is None else encode("acct", change.merchant_id)
