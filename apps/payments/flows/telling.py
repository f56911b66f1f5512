"""Events and answers, rendered once from the rows as they will be."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from apps.core.documents import encode
from apps.core.ids import new_id
from apps.idempotency.domain import Answer
from apps.payments.domain.rows import Row
from apps.payments.flows.asking import Request

Json = dict[str, Any]


def encoded(document: Any) -> str:
    return encode(document).decode()


class Telling:
    """The objects of one change, by a short name; each is rendered and encoded at most once."""

    def __init__(self, objects: dict[str, tuple[Row, Callable[[], Any]]]) -> None:
        self._objects = objects
        self._texts: dict[str, str] = {}

    def text(self, name: str) -> str:
        if name not in self._texts:
            self._texts[name] = encoded(self._objects[name][1]())
        return self._texts[name]

    def events(self, wanted: Iterable[tuple[str, str]], request: Request, *, now: datetime) -> list[Json]:
        """Commands for the outbox, in order: (type, name of the object)."""
        return [self._event(type_, name, request, now) for type_, name in wanted]

    def _event(self, type_: str, name: str, request: Request, now: datetime) -> Json:
        row = self._objects[name][0]
        return {
            "id": new_id(),
            "merchant_id": row.merchant_id,
            "livemode": row.livemode,
            "type": type_,
            "created": now,
            "object_id": row.id,
            "sequence": row.version,
            "data": self.text(name),
            "request_id": request.request_id,
            "idempotency_key": request.idempotency_key,
        }


def stored(answer: Answer) -> Json:
    """`answer` as write functions store it."""
    return {"status": answer.status, "body": answer.body.decode()}


def told(events: list[Json], answer: Answer) -> Json:
    """What a write function tells: `answer`, stored, and `events`. An event that shows the very text of
    the answer goes without: the database takes it from the answer."""
    text = answer.body.decode()
    for event in events:
        if event["data"] == text:
            event["data"] = None
    return {"events": events, "answer": {"status": answer.status, "body": text}}
