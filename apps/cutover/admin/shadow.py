"""Shadow answers in the back office: how much is compared, and where two answers were not the same."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.widgets import UnfoldAdminDecimalFieldWidget

from apps.core.backoffice import Records, one_of
from apps.core.ids import encode
from apps.cutover import selectors, services
from apps.cutover.domain import ENDPOINTS
from apps.cutover.domain.diffing import by_lines, side_by_side
from apps.cutover.models import Difference, ShadowRate

SHOWN = timedelta(hours=24)
LONGEST_NOTE = 1_000
ALL = "all"
_COLOURS = {"new": "danger", "explained": "success"}


class Explained(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("new", "Not explained"), ("explained", "Explained")]

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Difference]") -> "QuerySet[Difference]":
        if self.value() is None:
            return queryset
        return queryset.filter(explained_at__isnull=self.value() == "new")


class NoteForm(forms.Form):
    note = forms.CharField(
        label="Why it differs", max_length=LONGEST_NOTE, strip=True, widget=forms.Textarea(attrs={"rows": 3, "maxlength": LONGEST_NOTE})
    )


@admin.register(Difference)
class DifferenceAdmin(Records):
    list_display = ("compared_at", "endpoint", "merchant", "mode", "verdict", "statuses", "state")
    list_display_links = ("compared_at", "verdict")
    list_filter = (Explained, one_of("endpoint", *ENDPOINTS), "livemode")
    ordering = ("-id",)
    list_before_template = "cutover/differences_before.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<uuid:id>/explain/", view(self.explain), name="cutover_difference_explain"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        found = selectors.shadow_summary(since=selectors.ago(SHOWN))
        about = {"summaries": found, "total": selectors.total(found), "has_any": Difference.objects.exists()}
        response: HttpResponse = super().changelist_view(request, {**about, **(extra_context or {})})
        return response

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """The two answers side by side, in the place of a form."""
        return self._shown(request, self._found(request, object_id), NoteForm())

    def explain(self, request: HttpRequest, id: UUID) -> HttpResponse:
        """Notes why they differ; refused without a note."""
        difference = self._found(request, str(id))
        form = NoteForm(request.POST)
        if request.method != "POST" or not self._may_explain(request):
            return HttpResponse(status=405 if request.method != "POST" else 403)
        if not form.is_valid():
            return self._shown(request, difference, form, status=422)
        services.explain_difference(ids=[difference.id], by=request.user.get_username(), note=form.cleaned_data["note"])
        messages.success(request, "Explained. It no longer counts as new.")
        return redirect(self._url(difference))

    def _found(self, request: HttpRequest, object_id: str) -> Difference:
        difference: Difference | None = self.get_object(request, object_id)
        if difference is None or not self.has_view_permission(request, difference):
            raise Http404
        return difference

    def _shown(self, request: HttpRequest, difference: Difference, form: NoteForm, status: int = 200) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": f"Shadow difference: {difference.endpoint}",
            "opts": self.opts,
            "difference": difference,
            "merchant": self.merchant(difference),
            "rows": side_by_side(by_lines(difference.hot_body), by_lines(difference.classic_body), folded=ALL not in request.GET),
            "form": form if self._may_explain(request) else None,
        }
        return TemplateResponse(request, "cutover/difference.html", context, status=status)

    def _may_explain(self, request: HttpRequest) -> bool:
        return request.user.has_perm("cutover.change_difference")

    def _url(self, difference: Difference) -> str:
        return reverse("admin:cutover_difference_change", args=[difference.id])

    @admin.display(description="Merchant")
    def merchant(self, record: Difference) -> str:
        url = reverse("admin:merchants_merchant_change", args=[record.merchant_id])
        return format_html('<a href="{}">{}</a>', url, encode("acct", record.merchant_id))

    @admin.display(description="Mode")
    def mode(self, record: Difference) -> str:
        return "live" if record.livemode else "test"

    @admin.display(description="Differs in")
    def verdict(self, record: Difference) -> str:
        return record.what

    @admin.display(description="Status, hot | classic")
    def statuses(self, record: Difference) -> str:
        return f"{record.hot_status} | {record.classic_status}"

    @display(description="State", label=_COLOURS)
    def state(self, record: Difference) -> str:
        return "explained" if record.explained_at else "new"


class RateForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    percent = forms.DecimalField(min_value=0, max_value=100, max_digits=6, decimal_places=3, widget=UnfoldAdminDecimalFieldWidget)


@admin.register(ShadowRate)
class ShadowRateAdmin(ModelAdmin):
    """How much of what is compared. Rows may be removed: then the setting counts again."""

    list_display = ("endpoint", "percent", "changed_at", "changed_by")
    form = RateForm
    fields = ("endpoint", "percent")
    ordering = ("endpoint",)

    def get_readonly_fields(self, request: HttpRequest, obj: ShadowRate | None = None) -> tuple[str, ...]:
        return ("endpoint",) if obj else ()

    def save_model(self, request: HttpRequest, obj: ShadowRate, form: Any, change: bool) -> None:
        services.set_shadow_rate(endpoint=obj.endpoint, percent=obj.percent, by=request.user.get_username())

    def response_add(self, request: HttpRequest, obj: ShadowRate, post_url_continue: Any = None) -> HttpResponse:
        messages.success(request, f"From now on, {obj} is compared.")
        return HttpResponseRedirect(reverse("admin:cutover_shadowrate_changelist"))
