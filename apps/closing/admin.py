"""Month ends in the back office: read only."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from unfold.admin import TabularInline

from apps.closing import domain
from apps.closing.models import Run, Step
from apps.core.backoffice import ReadOnly, Records, one_of


def _bar(done: int, total: int) -> str:
    share = 100 * done // total if total else 0
    return format_html('<progress value="{}" max="100" aria-label="{} of {}"></progress> {}/{}', share, done, total, done, total)


class StepInline(ReadOnly, TabularInline):
    """The steps of a run, in order."""

    model = Step
    extra = 0
    fields = readonly_fields = ("title", "state", "progress", "attempts", "proof", "started_at", "finished_at")
    ordering = ("position",)

    @admin.display(description="Step")
    def title(self, step: Step) -> str:
        return domain.TITLES.get(step.name, step.name)

    @admin.display(description="Progress")
    def progress(self, step: Step) -> str:
        return _bar(step.done, step.total)

    @admin.display(description="Evidence")
    def proof(self, step: Step) -> str:
        return format_html_join("", "{}: {}<br>", ((name.replace("_", " "), _short(value)) for name, value in step.evidence.items()))


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 300 else f"{text[:300]}…"


@admin.register(Run)
class RunAdmin(Records):
    list_display = ("month_name", "state", "progress", "requested_by", "blocked_by", "started_at", "finished_at")
    list_filter = (one_of("state", "open", "cutoff", "running", "blocked", "closed"),)
    ordering = ("-month",)
    inlines = (StepInline,)
    fields = ("month_name", "state", "blocked_by", "progress", "requested_by", "started_at", "finished_at")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("steps")

    @admin.display(description="Month", ordering="month")
    def month_name(self, run: Run) -> str:
        return f"{run.month:%B %Y}"

    @admin.display(description="Steps")
    def progress(self, run: Run) -> str:
        steps = list(run.steps.all())
        return _bar(sum(step.state == "done" for step in steps), len(steps))
