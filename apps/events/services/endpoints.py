"""Webhook endpoints: made, changed, rolled, disabled, deleted.

Locks: the endpoint's row; creating one takes an advisory lock of the merchant, so that the limit holds.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models.functions import Now

from apps.core import clock, ssrf
from apps.events import domain, selectors
from apps.events.errors import EndpointUrlInvalid, TooManyEndpoints
from apps.events.models import WebhookEndpoint
from apps.events.services.writing import emit


def check_url(url: str) -> None:
    """Returns only if Florin may call `url`. Raises EndpointUrlInvalid. Where private addresses are
    allowed (development, tests), http and any host will do."""
    if settings.WEBHOOK_ALLOW_PRIVATE and url.startswith(("http://", "https://")) and len(url) <= ssrf.MAX_URL and url.isprintable():
        return
    try:
        ssrf.check_url(url, own_host=urlsplit(settings.PUBLIC_BASE_URL).hostname or "")
    except ssrf.Blocked as error:
        raise EndpointUrlInvalid(param="url", reason=f"{error}.") from None


def create_endpoint(
    *,
    merchant_id: UUID,
    livemode: bool,
    url: str,
    enabled_events: Sequence[str],
    description: str | None = None,
    metadata: Mapping[str, str] | None = None,
    api_version: str | None = None,
) -> WebhookEndpoint:
    """The merchant has one more endpoint, enabled, in version 1 of its secret.

    Locks: merchant's endpoints (advisory). Raises: EndpointUrlInvalid, TooManyEndpoints.
    """
    check_url(url)
    with transaction.atomic():
        _make_room(merchant_id, livemode)
        return WebhookEndpoint.objects.create(
            merchant_id=merchant_id,
            livemode=livemode,
            url=url,
            enabled_events=list(dict.fromkeys(enabled_events)),
            description=description,
            metadata=dict(metadata or {}),
            api_version=api_version,
            created=clock.now(),
        )


def _make_room(merchant_id: UUID, livemode: bool) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"webhook endpoints {merchant_id} {livemode}"])
    if selectors.endpoints(merchant_id, livemode).count() >= domain.MAX_ENDPOINTS:
        raise TooManyEndpoints(param="url", limit=domain.MAX_ENDPOINTS)


def update_endpoint(*, merchant_id: UUID, livemode: bool, endpoint_id: UUID, changes: Mapping[str, Any]) -> WebhookEndpoint:
    """The endpoint has `changes` (url, enabled_events, description, metadata, disabled). Enabling one
    again forgets that it failed; what was not sent while it was disabled can be replayed.

    Locks: the endpoint. Raises: NotFound, EndpointUrlInvalid.
    """
    with transaction.atomic():
        endpoint = _locked(merchant_id, livemode, endpoint_id)
        for name, value in changes.items():
            _change(endpoint, name, value)
        endpoint.version += 1
        endpoint.save()
        return endpoint


def _locked(merchant_id: UUID, livemode: bool, endpoint_id: UUID) -> WebhookEndpoint:
    selectors.endpoint(merchant_id, livemode, endpoint_id)
    return WebhookEndpoint.objects.select_for_update(no_key=True).get(id=endpoint_id)


def _change(endpoint: WebhookEndpoint, name: str, value: Any) -> None:
    if name == "url":
        check_url(value)
    if name == "disabled":
        _enable(endpoint, not value)
    elif name == "enabled_events":
        endpoint.enabled_events = list(dict.fromkeys(value))
    else:
        setattr(endpoint, name, value)


def _enable(endpoint: WebhookEndpoint, wanted: bool) -> None:
    if wanted == (endpoint.status == "enabled"):
        return
    endpoint.status = "enabled" if wanted else "disabled"
    endpoint.disabled_reason = None if wanted else "merchant"
    endpoint.failures, endpoint.probes, endpoint.failing_since, endpoint.probe_at = 0, 0, None, None


def roll_secret(*, merchant_id: UUID, livemode: bool, endpoint_id: UUID, overlap: timedelta) -> WebhookEndpoint:
    """The endpoint has a new secret; for `overlap` (by the database's clock) the one before signs too,
    and any older one no longer does.

    Locks: the endpoint. Raises: NotFound.
    """
    with transaction.atomic():
        endpoint = _locked(merchant_id, livemode, endpoint_id)
        endpoint.secret_version += 1
        endpoint.version += 1
        endpoint.save(update_fields=["secret_version", "version"])
        WebhookEndpoint.objects.filter(id=endpoint_id).update(previous_secret_until=Now() + overlap)
        return endpoint


def delete_endpoint(*, merchant_id: UUID, livemode: bool, endpoint_id: UUID) -> None:
    """The endpoint is gone for the merchant and gets nothing more; its log stays for support.

    Locks: the endpoint. Raises: NotFound.
    """
    with transaction.atomic():
        endpoint = _locked(merchant_id, livemode, endpoint_id)
        WebhookEndpoint.objects.filter(id=endpoint.id).update(deleted_at=Now())


def disable_endpoint(*, endpoint_id: UUID, reason: str) -> None:
    """The endpoint gets nothing more until the merchant enables it, and the merchant is told by an
    event (for its other endpoints, the events API and the mail that follows from it). `reason` is
    `gone` or `failing`. Doing it twice tells once.

    Locks: the endpoint. Emits: webhook_endpoint.disabled.
    """
    with transaction.atomic():
        endpoint = WebhookEndpoint.objects.select_for_update(no_key=True).get(id=endpoint_id)
        if endpoint.status == "disabled":
            return
        endpoint.status, endpoint.disabled_reason = "disabled", reason
        endpoint.version += 1
        endpoint.save(update_fields=["status", "disabled_reason", "version"])
        _tell(endpoint)


def _tell(endpoint: WebhookEndpoint) -> None:
    emit(
        merchant_id=endpoint.merchant_id,
        livemode=endpoint.livemode,
        type="webhook_endpoint.disabled",
        object_id=endpoint.id,
        sequence=endpoint.version,
        data={**domain.endpoint_object(vars(endpoint)), "disabled_reason": endpoint.disabled_reason},
        previous_attributes={"status": "enabled"},
    )
