"""Files, lines, matches and breaks in the back office: read only, but for taking a file in by hand."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import NoReverseMatch, URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from unfold.admin import TabularInline
from unfold.decorators import action

from apps.core import backoffice, clock, ids
from apps.core.backoffice import ReadOnly, currency, months, one_of
from apps.core.money import format_money
from apps.reconciliation import selectors
from apps.reconciliation.backoffice.views import ImportView
from apps.reconciliation.domain import explain_break, explain_match
from apps.reconciliation.models import Break, LineRecord, MatchGroup, MatchLeg, Payout, Source, SourceFile, StatementRecord


def link(name: str, key: Any, text: str) -> str:
    """A link to the page of one row; bare text where there is no such page."""
    try:
        return format_html('<a href="{}">{}</a>', reverse(f"admin:{name}_change", args=[key]), text)
    except NoReverseMatch:
        return text


class Records(backoffice.Records):
    """Records of amounts, newest first."""

    ordering = ("-id",)

    @admin.display(description="Amount", ordering="amount")
    def money(self, record: Any) -> str:
        return format_money(record.amount, record.currency)


class StatementInline(ReadOnly, TabularInline):
    model = StatementRecord
    extra = 0
    fields = readonly_fields = ("account", "statement_id", "sequence", "starts_on", "ends_on", "opening_money", "closing_money")

    @admin.display(description="Opening balance")
    def opening_money(self, statement: StatementRecord) -> str:
        return format_money(statement.opening, statement.currency)

    @admin.display(description="Closing balance")
    def closing_money(self, statement: StatementRecord) -> str:
        return format_money(statement.closing, statement.currency)


@admin.register(Source)
class SourceAdmin(Records):
    list_display = ("code", "kind", "accounts", "ledger_name", "livemode", "overdue_days")
    ordering = ("code",)


@admin.register(SourceFile)
class SourceFileAdmin(Records):
    list_display = ("name", "kind", "source", "status", "file_date", "lines", "duplicates", "error", "received_at", "received_by")
    list_filter = ("status", one_of("kind", "settlement", "bank"), "source")
    list_select_related = ("source",)
    search_fields = ("name__startswith",)
    inlines = (StatementInline,)
    actions_list = ["import_by_hand"]
    fields = (
        "name", "kind", "format", "source", "status", "error", "error_line", "raw_line", "file_date", "lines", "duplicates",
        "lines_link", "size", "sha256_text", "received_by", "received_at", "imported_at", "download_link",
    )  # fmt: skip

    @admin.display(description="The line it stumbled over")
    def raw_line(self, file: SourceFile) -> str:
        return selectors.raw_line(file.id, file.error_line) if file.error_line else ""

    @admin.display(description="Its lines")
    def lines_link(self, file: SourceFile) -> str:
        url = reverse("admin:reconciliation_linerecord_changelist")
        return format_html('<a href="{}?file__id__exact={}">{} lines</a>', url, file.id, file.lines)

    @admin.display(description="SHA-256")
    def sha256_text(self, file: SourceFile) -> str:
        return bytes(file.sha256).hex()

    @admin.display(description="As it came")
    def download_link(self, file: SourceFile) -> str:
        return format_html('<a href="{}">Download</a>', reverse("admin:reconciliation_sourcefile_content", args=[file.id]))

    @action(description="Import a file", url_path="import-by-hand", permissions=["import_file"])
    def import_by_hand(self, request: HttpRequest) -> HttpResponse:
        return redirect("admin:reconciliation_sourcefile_import")

    def has_import_file_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("reconciliation.add_sourcefile")

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("import/", wrap(ImportView.as_view(model_admin=self)), name="reconciliation_sourcefile_import"),
            path("<uuid:file_id>/content", wrap(self.content), name="reconciliation_sourcefile_content"),
            *super().get_urls(),
        ]

    def content(self, request: HttpRequest, file_id: UUID) -> HttpResponse:
        """The bytes as they came, to staff who may see files; always as a download."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        body = selectors.content(file_id)
        if body is None:
            raise Http404
        response = HttpResponse(body, content_type="application/octet-stream")
        response["Content-Disposition"] = f'attachment; filename="{file_id}.bin"'
        response["X-Content-Type-Options"] = "nosniff"
        return response


@admin.register(LineRecord)
class LineAdmin(Records):
    list_display = ("number", "file_link", "hop", "kind", "reference", "batch", "booked_on", "money", "fee_money", "standing")
    list_filter = ("hop", one_of("kind", "capture", "refund", "credit", "debit", "reversal", "pending"), months("booked_on"))
    list_select_related = ("file",)
    search_fields = ("nref__startswith",)
    fields = (
        "file_link", "number", "hop", "kind", "external_id", "reference", "batch", "booked_on", "value_on", "money",
        "fee_money", "party", "text", "standing", "raw",
    )  # fmt: skip

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        return lookup == "file__id__exact" or super().lookup_allowed(lookup, value, request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[LineRecord]:
        return selectors.with_standing(super().get_queryset(request))

    @admin.display(description="File")
    def file_link(self, line: LineRecord) -> str:
        return link("reconciliation_sourcefile", line.file_id, line.file.name)

    @admin.display(description="Fee")
    def fee_money(self, line: LineRecord) -> str:
        return format_money(line.fee, line.currency) if line.hop == "settlement" else ""

    @admin.display(description="Standing")
    def standing(self, line: Any) -> str:
        if line.in_group:
            return link("reconciliation_matchgroup", line.in_group, "matched")
        return link("reconciliation_break", line.in_break, "break") if line.in_break else "not looked at yet"


@admin.register(MatchGroup)
class MatchAdmin(Records):
    list_display = ("typeid", "hop", "stage", "status", "money", "sentence", "created_at", "created_by")
    list_filter = ("status", "hop", one_of("stage", "exact_reference", "payout_total"))
    fields = (
        "typeid", "hop", "stage", "rule_version", "status", "money", "adjustment", "sentence", "explanation", "legs", "entries",
        "created_at", "created_by", "reversed_at", "reversed_by", "reversal_reason",
    )  # fmt: skip

    @admin.display(description="Match", ordering="id")
    def typeid(self, group: MatchGroup) -> str:
        return ids.encode("grp", group.id)

    @admin.display(description="Why")
    def sentence(self, group: MatchGroup) -> str:
        return explain_match(group.stage, group.explanation, amount=group.amount, currency=group.currency)

    @admin.display(description="Legs")
    def legs(self, group: MatchGroup) -> str:
        rows = [(leg.side, self._thing(leg), format_money(leg.amount, group.currency)) for leg in group.legs.order_by("leg_no")]
        return format_html_join("", "<p>{}: {}, {}</p>", rows)

    def _thing(self, leg: MatchLeg) -> str:
        if leg.line_id:
            return link("reconciliation_linerecord", leg.line_id, "line of the file")
        if leg.payout_id:
            return link("reconciliation_payout", leg.payout_id, "payout")
        return link("payments_attempt", leg.movement_id, ids.encode("att", leg.movement_id)) if leg.movement_id else ""

    @admin.display(description="Ledger entries")
    def entries(self, group: MatchGroup) -> str:
        return format_html_join(", ", "{}", [(link("ledger_entry", entry, ids.encode("ent", entry)),) for entry in group.entry_ids])


@admin.register(Break)
class BreakAdmin(Records):
    list_display = ("type", "reason", "money", "since", "age", "state", "thing")
    list_filter = ("state", "type", currency())
    fields = ("type", "reason", "money", "since", "age", "state", "thing", "facts", "opened_at", "resolved_at", "resolved_by")

    @admin.display(description="Reason")
    def reason(self, found: Break) -> str:
        return explain_break(found.type, found.facts, amount=found.amount, currency=found.currency)

    @admin.display(description="Age in days", ordering="since")
    def age(self, found: Break) -> int:
        end = found.resolved_at.date() if found.resolved_at else clock.today()
        return max((end - found.since).days, 0)

    @admin.display(description="About")
    def thing(self, found: Break) -> str:
        pages = {"line": "reconciliation_linerecord", "payout": "reconciliation_payout", "movement": "payments_attempt"}
        if found.subject == "statement":
            return str(found.facts["statement"])
        text = ids.encode("att", found.subject_id) if found.subject == "movement" else found.subject
        return link(pages[found.subject], found.subject_id, text)

    @admin.display(description="Resolved by")
    def resolved_by(self, found: Break) -> str:
        return link("reconciliation_matchgroup", found.group_id, ids.encode("grp", found.group_id)) if found.group_id else ""


@admin.register(Payout)
class PayoutAdmin(Records):
    list_display = ("reference", "source", "currency", "gross_money", "fee_money", "money", "lines", "first_on", "last_on", "match_link")
    list_filter = ("source", currency())
    list_select_related = ("source",)
    search_fields = ("nref__startswith",)
    fields = list_display

    @admin.display(description="Gross")
    def gross_money(self, payout: Payout) -> str:
        return format_money(payout.gross, payout.currency)

    @admin.display(description="Fee")
    def fee_money(self, payout: Payout) -> str:
        return format_money(payout.fee, payout.currency)

    @admin.display(description="Bank line")
    def match_link(self, payout: Payout) -> str:
        return link("reconciliation_matchgroup", payout.group_id, "matched") if payout.group_id else "none yet"
