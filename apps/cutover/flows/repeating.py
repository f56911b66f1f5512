"""What has to be repeated before a write can be rehearsed, as the app that owns the endpoint tells it.

`settings.SHADOW_HISTORY` names a function that takes a `Taken` and returns a flow of a `History`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from apps.core.flow import Flow
from apps.core.http import HttpFailed, HttpReply, HttpRequest
from apps.merchants.domain import Caller

Json = dict[str, Any]
Answering = Callable[[HttpRequest], HttpReply]


class Span(NamedTuple):
    """Between which ids (UUIDv7) the effects of a request are: of its events, which the database numbers,
    with room for its clock; and before which its ledger entries are, which the answering process numbered."""

    since: UUID
    until: UUID
    booked_until: UUID


# (caller, document of the answer, span) → what the request with the caller's id has caused.
Effects = Callable[[Caller, Json, Span], Flow[Json]]


class NotRepeatable(Exception):
    """Why a request cannot be rehearsed: there is nothing wrong with its answer."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


def asked_nothing(request: HttpRequest) -> HttpReply:
    """Stands in for a gateway that was not asked: whoever asks it now finds nobody there."""
    raise HttpFailed("connect", sent=False, detail="it was not asked before")


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """A request to be repeated. `answering` stands in for the gateway; `makes` says where in the answer
    (names with dots between) the new id of what had an old one is."""

    path: str
    body: Json
    answering: Answering
    makes: Mapping[str, str] = field(default_factory=dict)
    status: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """`before`: what made the object, in order. `answering`: the gateway's answer to the request itself."""

    effects: Effects
    before: tuple[Repeat, ...] = ()
    answering: Answering = asked_nothing
