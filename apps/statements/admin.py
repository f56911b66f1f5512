"""Statements, their work and their mails in the back office: read only."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from unfold.admin import TabularInline

from apps.core import backoffice, ids
from apps.core.backoffice import ReadOnly, currency, months, one_of
from apps.core.money import format_money
from apps.statements import selectors, services
from apps.statements.domain import MEDIA_TYPES
from apps.statements.models import Delivery, Series, Statement, Work


class Records(backoffice.Records):
    """Records of a merchant."""

    @admin.display(description="Account")
    def account(self, record: Any) -> str:
        return ids.encode("acct", record.merchant_id)


class DeliveryInline(ReadOnly, TabularInline):
    """The mails of a statement."""

    model = Delivery
    extra = 0
    fields = readonly_fields = ("recipient", "state", "attempts", "last_error", "sent_at", "message_id")


@admin.register(Statement)
class StatementAdmin(Records):
    list_display = (
        "number",
        "month",
        "account",
        "mode",
        "currency",
        "opening_money",
        "closing_money",
        "lines",
        "status",
        "mailed_at",
        "downloads",
    )
    list_filter = (one_of("status", "numbered", "issued", "superseded"), "livemode", currency(), months("month"))
    search_fields = ("number__startswith", "data_sha256__exact", "pdf_sha256__exact")
    ordering = ("-id",)
    inlines = (DeliveryInline,)
    fields = (
        "number", "version", "status", "month", "account", "mode", "currency", "opening_money", "closing_money", "sums", "lines",
        "postings",
        "issued_at", "mailed_at", "superseded_by", "data_sha256", "pdf_sha256", "csv_sha256", "downloads",
    )  # fmt: skip

    @admin.display(description="Opening balance", ordering="opening")
    def opening_money(self, statement: Statement) -> str:
        return format_money(statement.opening, statement.currency)

    @admin.display(description="Closing balance", ordering="closing")
    def closing_money(self, statement: Statement) -> str:
        return format_money(statement.closing, statement.currency)

    @admin.display(description="Sums")
    def sums(self, statement: Statement) -> str:
        moved = ((name.replace("_", " "), amount) for name, amount in statement.totals.items() if amount)
        return ", ".join(f"{name} {format_money(amount, statement.currency)}" for name, amount in moved)

    @admin.display(description="Files")
    def downloads(self, statement: Statement) -> str:
        if statement.status == Statement.NUMBERED:
            return "not issued yet"
        pdf, csv = (reverse("admin:statements_statement_file", args=[statement.id, suffix]) for suffix in ("pdf", "csv"))
        return format_html('<a href="{}">PDF</a> · <a href="{}">CSV</a>', pdf, csv)

    def get_urls(self) -> list[URLPattern]:
        file = path("<uuid:statement_id>/file/<str:suffix>", self.admin_site.admin_view(self.file), name="statements_statement_file")
        return [file, *super().get_urls()]

    def file(self, request: HttpRequest, statement_id: UUID, suffix: str) -> HttpResponse:
        """The file as it was issued, for staff who may see statements."""
        found = self.model.objects.exclude(status=Statement.NUMBERED).filter(id=statement_id).first()
        if not self.has_view_permission(request, found):
            raise PermissionDenied
        if found is None or suffix not in MEDIA_TYPES:
            raise Http404
        statement = selectors.row(statement_id)
        response = HttpResponse(services.file(statement, suffix=suffix), content_type=MEDIA_TYPES[suffix])
        response["Content-Disposition"] = f'attachment; filename="{selectors.file_name(statement, suffix)}"'
        response["X-Content-Type-Options"] = "nosniff"
        return response


@admin.register(Work)
class WorkAdmin(Records):
    list_display = ("month", "account", "mode", "currency", "state", "attempts", "last_error", "statement_link", "finished_at")
    list_filter = (one_of("state", "pending", "done", "parked"), "livemode", currency(), months("month"))
    ordering = ("-id",)

    @admin.display(description="Statement")
    def statement_link(self, work: Work) -> str:
        if work.statement_id is None:
            return ""
        return format_html('<a href="{}">open</a>', reverse("admin:statements_statement_change", args=[work.statement_id]))


@admin.register(Delivery)
class DeliveryAdmin(Records):
    list_display = ("statement", "recipient", "state", "attempts", "last_error", "sent_at")
    list_filter = (one_of("state", "pending", "sending", "sent", "parked"),)
    list_select_related = ("statement",)
    ordering = ("-id",)


@admin.register(Series)
class SeriesAdmin(Records):
    list_display = ("name", "last")
