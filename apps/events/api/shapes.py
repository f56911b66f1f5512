"""What the events API takes and gives: events and webhook endpoints, in Stripe's shapes."""

from typing import Annotated, Any, Literal

from msgspec import Meta

from apps.core.api.types import Expand, ListParams, Metadata, ObjectShape, Shape
from apps.events.domain import EVENT_TYPE, MAX_EVENT_TYPES

EventType = Annotated[str, Meta(pattern=EVENT_TYPE, max_length=100, description="An event type, or `*` for all.")]
EventTypes = Annotated[list[EventType], Meta(min_length=1, max_length=MAX_EVENT_TYPES, description="The event types it wants.")]
Url = Annotated[str, Meta(min_length=1, max_length=2048, description="An https URL that the public Internet can reach.")]
Words = Annotated[str, Meta(max_length=5000)]


class Retrieve(Shape):
    """Parameters of every retrieval."""

    expand: Expand = []


class ListEvents(ListParams):
    """Events, newest first."""

    type: EventType | None = None
    types: Annotated[list[EventType], Meta(max_length=20)] | None = None
    delivery_success: bool | None = None


class ListEndpoints(ListParams):
    """Webhook endpoints, newest first."""


class CreateEndpoint(Shape):
    """A webhook endpoint."""

    url: Url
    enabled_events: EventTypes
    description: Words | None = None
    metadata: Metadata | None = None
    api_version: Annotated[str, Meta(max_length=32)] | None = None
    expand: Expand = []


class UpdateEndpoint(Shape):
    """What changes; what is left out stays."""

    url: Url | None = None
    enabled_events: EventTypes | None = None
    description: Words | None = None
    disabled: bool | None = None
    metadata: Metadata | None = None
    expand: Expand = []


class RollSecret(Shape):
    """A new secret; the old one signs beside it for `expires_in` seconds more."""

    expires_in: Annotated[int, Meta(ge=0, le=604_800, description="Seconds; 86,400 unless said.")] = 86_400


class Nothing(Shape):
    """No parameters."""


class EventData(ObjectShape):
    """The object as it was, and what it was before where something changed."""

    object: dict[str, Any]
    previous_attributes: dict[str, Any] | None = None


class EventRequest(ObjectShape):
    """The request that caused the event."""

    id: str | None
    idempotency_key: str | None


class Event(ObjectShape):
    """Something that happened to one object. `sequence` orders the events of that object."""

    id: str
    object: Literal["event"]
    api_version: str
    created: int
    data: EventData
    livemode: bool
    pending_webhooks: int
    request: EventRequest
    sequence: int
    type: str


class WebhookEndpoint(ObjectShape):
    """A URL of yours that is told of events. `secret` is shown when it is made or rolled, once."""

    id: str
    object: Literal["webhook_endpoint"]
    api_version: str | None
    application: str | None
    created: int
    description: str | None
    enabled_events: list[str]
    livemode: bool
    metadata: dict[str, str]
    status: Literal["enabled", "disabled"]
    url: str
    secret: str | None = None


class DeletedWebhookEndpoint(ObjectShape):
    """A webhook endpoint that was deleted."""

    id: str
    object: Literal["webhook_endpoint"]
    deleted: bool
