"""Events and answers, rendered once from the rows as they will be."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from apps.core.documents import encode
from apps.core.ids import new_id
from apps.idempotency.domain import Answer
from apps.payments.domain.rows import Row
from apps.payments.flows.asking import Request
from apps.payments.renderers import objects

Json = dict[str, Any]


def encoded(document: Any) -> str:
    """The JSON of a rendered object, as text: what a command for a write function holds."""
    return encode(document).decode()


class Event(Struct, omit_defaults=True, gc=False):
    """A command for the outbox; what is None is not sent. `data` is the object's JSON."""

    id: UUID
    merchant_id: UUID
    livemode: bool
    type: str
    created: datetime
    object_id: UUID
    sequence: int
    data: str | None = None
    request_id: str | None = None
    idempotency_key: str | None = None


RENDERERS: dict[str, Callable[[Any], Any]] = {
    "intent": objects.payment_intent,
    "charge": objects.render_charge,
    "refund": objects.refund,
    "transfer": objects.transfer,
}


class Telling:
    """The objects of one change, by what they are; each is rendered and encoded at most once."""

    def __init__(self, rows: Mapping[str, Row | None]) -> None:
        self._rows = rows
        self._texts: dict[str, str] = {}

    def text(self, name: str) -> str:
        text = self._texts.get(name)
        if text is None:
            text = self._texts[name] = encoded(RENDERERS[name](self._rows[name]))
        return text

    def events(self, wanted: Iterable[tuple[str, str]], request: Request, *, now: datetime) -> list[Event]:
        """Commands for the outbox, in order: (type, name of the object)."""
        return [self._event(type_, name, request, now) for type_, name in wanted]

    def _event(self, type_: str, name: str, request: Request, now: datetime) -> Event:
        row: Any = self._rows[name]
        key = request.key.get("key")
        return Event(new_id(), row.merchant_id, row.livemode, type_, now, row.id, row.version, self.text(name), request.request_id, key)


def stored(answer: Answer) -> Json:
    """`answer` as write functions store it."""
    return {"status": answer.status, "body": answer.body.decode()}


def told(events: list[Event], answer: Answer) -> Json:
    """What a write function tells: `answer`, stored, and `events`. An event that shows the very text of
    the answer goes without: the database takes it from the answer."""
    text = answer.body.decode()
    for event in events:
        if event.data == text:
            event.data = None
    return {"events": events, "answer": {"status": answer.status, "body": text}}
