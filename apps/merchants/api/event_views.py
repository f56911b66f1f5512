"""Events: what happened, as the webhooks tell it."""

from django.http import HttpResponse
from rest_framework.request import Request

from apps.core import ids
from apps.core.api.lists import keyset
from apps.core.api.openapi import ListOf, describe
from apps.core.errors import InvalidRequest
from apps.events import domain, selectors
from apps.events.api import shapes
from apps.events.domain import EventView
from apps.merchants.api.views_base import FlorinView


class Events(FlorinView):
    scope = {"GET": "events:read"}

    @describe("List events", request=shapes.ListEvents, response=ListOf(shapes.Event), tag="Events")
    def get(self, request: Request) -> HttpResponse:
        params = self.params(shapes.ListEvents)
        at = keyset(params, prefix="evt", ids_are="dated")
        found = selectors.merchant_events(
            self.caller.merchant_id, self.caller.livemode, types=_types(params),
            condition=at.condition, params=at.params, order=at.order, fetch=at.fetch,
        )  # fmt: skip
        shown = found[: at.limit][::-1] if at.backwards else found[: at.limit]
        waiting = selectors.pending_webhooks(event.id for event in shown)
        data = [domain.event_object(event, pending_webhooks=waiting.get(event.id, 0)) for event in shown]
        return self.shown({"object": "list", "url": request.path, "has_more": len(found) > at.limit, "data": data})


class OneEvent(FlorinView):
    scope = {"GET": "events:read"}

    @describe("Retrieve an event", request=shapes.Retrieve, response=shapes.Event, tag="Events")
    def get(self, request: Request, id: str) -> HttpResponse:
        self.params(shapes.Retrieve)
        event: EventView = selectors.merchant_event(self.caller.merchant_id, self.caller.livemode, ids.decode("evt", id))
        waiting = selectors.pending_webhooks([event.id])
        return self.shown(domain.event_object(event, pending_webhooks=waiting.get(event.id, 0)))


def _types(params: shapes.ListEvents) -> list[str]:
    if params.delivery_success is not None:
        raise InvalidRequest(param="delivery_success", reason="Florin lists events whether or not they were delivered.")
    if params.type is not None and params.types is not None:
        raise InvalidRequest(param="types", reason="it cannot go together with type.")
    wanted = [params.type] if params.type else list(params.types or ())
    return [] if "*" in wanted else wanted
