"""Events, webhooks and the work that follows from them in the back office: read only.

Lists page without counting and in the order of an index; the search boxes take whole ids, which an
index finds. An event is sent again by `manage.py replay_event`.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from unfold.admin import TabularInline
from unfold.decorators import display

from apps.core import backoffice
from apps.core.backoffice import ReadOnly, one_of
from apps.core.errors import InvalidId
from apps.core.ids import decode, encode
from apps.events.models import Consequence, Delivery, DeliveryAttempt, Event, OutboxEntry, WebhookEndpoint

_COLOURS = {
    "pending": "info",
    "succeeded": "success",
    "done": "success",
    "enabled": "success",
    "failed": "danger",
    "parked": "danger",
    "disabled": "danger",
    "dropped": "warning",
    "deleted": "warning",
}


def link(name: str, key: object, text: str) -> str:
    """`text` as a link to the page of row `key`; `name` is app_model."""
    return format_html('<a href="{}">{}</a>', reverse(f"admin:{name}_change", args=[key]), text)


def event_link(event_id: UUID) -> str:
    return link("events_event", event_id, encode("evt", event_id))


def endpoint_link(endpoint_id: UUID, text: str = "") -> str:
    return link("events_webhookendpoint", endpoint_id, text or encode("we", endpoint_id))


class Records(backoffice.Records):
    """Lists in the order of ids, which is that of time. `found_by` says which prefix of an id searches
    which column."""

    ordering = ("-id",)
    search_fields = ("pk__exact",)
    found_by: dict[str, str] = {}

    def get_search_results(self, request: HttpRequest, queryset: "QuerySet[Any]", search_term: str) -> "tuple[QuerySet[Any], bool]":
        text = search_term.strip()
        if not text:
            return queryset, False
        prefix = text.partition("_")[0]
        try:
            return queryset.filter(**{self.found_by[prefix]: decode(prefix, text)}), False
        except (KeyError, InvalidId):
            return queryset.none(), False

    @admin.display(description="Merchant")
    def merchant(self, record: Any) -> str:
        return link("merchants_merchant", record.merchant_id, encode("acct", record.merchant_id))

    @admin.display(description="Event")
    def event(self, record: Any) -> str:
        return event_link(record.event_id)

    @display(description="State", label=_COLOURS)
    def shown_state(self, record: Any) -> str:
        return str(record.state)


@admin.register(Event)
class EventAdmin(Records):
    list_display = ("type", "name", "merchant", "mode", "sequence", "created")
    list_filter = ("livemode",)
    search_help_text = "evt_… or acct_…"
    found_by = {"evt": "id", "acct": "merchant_id"}
    fields = readonly_fields = (
        "name", "type", "merchant", "mode", "created", "object_id", "sequence", "data", "previous_attributes",
        "request_id", "idempotency_key", "deliveries", "consequences",
    )  # fmt: skip

    @admin.display(description="Id")
    def name(self, record: Event) -> str:
        return encode("evt", record.id)

    @admin.display(description="Webhooks")
    def deliveries(self, record: Event) -> str:
        return _listed("events_delivery", record, "its deliveries")

    @admin.display(description="What follows from it")
    def consequences(self, record: Event) -> str:
        return _listed("events_consequence", record, "its consequences")


def _listed(name: str, event: Event, text: str) -> str:
    return format_html('<a href="{}?q={}">{}</a>', reverse(f"admin:{name}_changelist"), encode("evt", event.id), text)


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(Records):
    list_display = ("url", "merchant", "mode", "state", "failures", "failing_since", "probe_at", "created")
    list_filter = (one_of("status", "enabled", "disabled"), one_of("disabled_reason", "merchant", "gone", "failing"), "livemode")
    search_help_text = "we_… or acct_…"
    found_by = {"we": "id", "acct": "merchant_id"}
    fields = readonly_fields = (
        "name", "url", "merchant", "mode", "state", "disabled_reason", "enabled_events", "description", "metadata", "api_version",
        "failures", "failing_since", "probe_at", "secret_version", "previous_secret_until", "created", "deleted_at", "deliveries",
    )  # fmt: skip

    @admin.display(description="Id")
    def name(self, record: WebhookEndpoint) -> str:
        return encode("we", record.id)

    @display(description="State", label=_COLOURS)
    def state(self, record: WebhookEndpoint) -> str:
        return "deleted" if record.deleted_at else record.status

    @admin.display(description="Webhooks")
    def deliveries(self, record: WebhookEndpoint) -> str:
        address = reverse("admin:events_delivery_changelist")
        return format_html('<a href="{}?q={}">its deliveries</a>', address, encode("we", record.id))


class AttemptsInline(ReadOnly, TabularInline):
    """The requests that were made for a delivery."""

    model = DeliveryAttempt
    extra = 0
    ordering = ("number",)
    verbose_name_plural = "attempts"
    fields = readonly_fields = ("number", "started_at", "took", "status", "error", "response")

    @admin.display(description="Took")
    def took(self, record: DeliveryAttempt) -> str:
        return f"{timedelta(milliseconds=record.duration_ms).total_seconds():.3f} s"


@admin.register(Delivery)
class DeliveryAdmin(Records):
    list_display = ("event", "endpoint_url", "merchant", "mode", "shown_state", "attempts", "last_answer", "next_attempt_at", "created")
    list_filter = (one_of("state", "pending", "succeeded", "failed", "dropped", "parked"), "livemode")
    list_select_related = ("endpoint",)
    search_help_text = "evt_… or we_…"
    found_by = {"evt": "event_id", "we": "endpoint_id"}
    inlines = (AttemptsInline,)
    fields = readonly_fields = (
        "event", "endpoint_url", "merchant", "mode", "shown_state", "attempts", "claims", "losses", "last_answer", "next_attempt_at",
        "lease_until", "api_version", "created", "finished_at",
    )  # fmt: skip

    @admin.display(description="Endpoint")
    def endpoint_url(self, record: Delivery) -> str:
        return endpoint_link(record.endpoint_id, record.endpoint.url)

    @admin.display(description="Last answer")
    def last_answer(self, record: Delivery) -> str:
        return str(record.last_status or record.last_error or "–")


@admin.register(Consequence)
class ConsequenceAdmin(Records):
    list_display = ("task", "event", "shown_state", "attempts", "last_error", "next_attempt_at", "finished_at")
    list_filter = (one_of("state", "pending", "done", "parked"),)
    search_help_text = "evt_…"
    found_by = {"evt": "event_id"}
    fields = readonly_fields = (
        "task", "event", "shown_state", "attempts", "last_error", "next_attempt_at", "lease_until", "created", "finished_at",
    )  # fmt: skip


@admin.register(OutboxEntry)
class OutboxEntryAdmin(Records):
    """What no relay has seen yet: empty but for moments while one runs."""

    list_display = ("type", "event", "merchant", "mode", "written_at")
    list_filter = ("livemode",)
    ordering = ("event_id",)
    search_help_text = "evt_…"
    found_by = {"evt": "event_id"}
    fields = readonly_fields = ("event", "type", "merchant", "mode", "event_created", "written_at")
