"""What happens after what: event type → names of the Celery tasks that follow from it.

Each task takes a list of consequence ids and works them off with `events.services.work_consequences`.
Webhooks are not here: they follow from every event that an endpoint subscribes to.
"""

ROUTES: dict[str, tuple[str, ...]] = {
    "charge.captured": ("payments.send_receipts",),
    "charge.succeeded": ("payments.send_receipts",),
    "webhook_endpoint.disabled": ("merchants.tell_endpoint_disabled",),
}
