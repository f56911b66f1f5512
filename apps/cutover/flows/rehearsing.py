"""A write answered by the classic path in a transaction that is rolled back, whatever happens in it.

What the gateway said to the original is asked of it first, while nothing is open, and played back: a
rehearsal itself asks nobody. A request about an object that has moved on is rehearsed on a twin of it,
which is made in the same transaction by repeating the object's history.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from django.conf import settings
from django.db import connection, transaction
from django.utils.module_loading import import_string

from apps.core import ids
from apps.core.api import request_ids
from apps.core.flow import Flow, Http, Sleep, run
from apps.core.http import HttpFailed
from apps.cutover.domain.comparing import MOVED_ON, SKIPPED, Finding, Mask, Told, judged_write, parsed
from apps.cutover.domain.samples import Asked, Taken
from apps.cutover.flows import answering
from apps.cutover.flows.answering import Drive
from apps.cutover.flows.repeating import Answering, History, NotRepeatable, Repeat, Span
from apps.idempotency.domain import Answer, checked_key
from apps.idempotency.errors import IdempotencyKeyInvalid

Json = dict[str, Any]
# Nobody may wait long for a rehearsal, and a rehearsal for nobody.
LOCK_MS, STATEMENT_MS = 200, 2_000
_AROUND, _TICK = timedelta(minutes=1), timedelta(milliseconds=1)
_UNAVAILABLE = 503
# The balance is another one by now: the same request may well end otherwise.
_DEPENDS_ON_BALANCE = "balance_insufficient"


def rehearsed(taken: Taken) -> Finding:
    """What comes of a write's sample."""
    try:
        history: History = run(import_string(settings.SHADOW_HISTORY)(taken))
        sent = _with_effects(taken.sent, taken.asked, history, taken.read_at)
        with rolled_back():
            asked = _repeated(taken.asked, history)
            told = answering.classic(asked, _driven(history.answering))
            if told.status == _UNAVAILABLE:
                raise NotRepeatable("a lock was held, or the database was not available")
            again = _with_effects(told, asked, history, taken.read_at, fresh=True)
    except NotRepeatable as error:
        return Finding(SKIPPED, error.reason)
    if (_code(taken.sent) == _DEPENDS_ON_BALANCE) != (_code(told) == _DEPENDS_ON_BALANCE):
        return Finding(MOVED_ON)
    return judged_write(sent, again)


@contextmanager
def rolled_back() -> Iterator[None]:
    """Inside, everything can be done, and nothing of it stays."""
    with transaction.atomic(durable=True):
        try:
            with connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL lock_timeout = {LOCK_MS:d}")
                cursor.execute(f"SET LOCAL statement_timeout = {STATEMENT_MS:d}")
            yield
        finally:
            transaction.set_rollback(True)


def _repeated(asked: Asked, history: History) -> Asked:
    """The history is repeated; returns the request as it has to be asked of the twin, in another name."""
    places: dict[str, str] = {}
    for repeat in history.before:
        told = answering.classic(_request(asked, repeat, places), _driven(repeat.answering))
        if told.status != repeat.status:
            raise NotRepeatable(f"its history went another way: status {told.status} of {repeat.path}")
        places |= {old: _member(parsed(told.body), path) for old, path in repeat.makes.items()}
    path, body = _placed(asked.path, places), _placed(asked.body.decode("latin-1"), places).encode("latin-1")
    return _as_new(asked.changed(path=path, body=body))


def _member(document: Any, path: str) -> str:
    for name in path.split("."):
        document = document[name]
    return str(document)


def _request(asked: Asked, repeat: Repeat, places: dict[str, str]) -> Asked:
    headers = {"HTTP_HOST": asked.headers.get("HTTP_HOST", ""), "CONTENT_TYPE": "application/json", "HTTP_IDEMPOTENCY_KEY": "shadow"}
    body = _placed(orjson.dumps(repeat.body).decode(), places).encode()
    return _as_new(asked.changed(path=_placed(repeat.path, places), query="", headers=headers, body=body))


def _as_new(asked: Asked) -> Asked:
    """The request under an id and a key of its own: no stored answer is found, and its events are known."""
    headers = dict(asked.headers)
    if _is_key(headers.get("HTTP_IDEMPOTENCY_KEY")):
        headers["HTTP_IDEMPOTENCY_KEY"] = f"shadow-{ids.new_id()}"
    return asked.changed(headers=headers, caller=asked.caller.named(request_ids.new()))


def _is_key(sent: str | None) -> bool:
    """Whether it would have been taken as a key: one that is refused has to be refused again."""
    try:
        return sent is not None and checked_key([sent]) is not None
    except IdempotencyKeyInvalid:
        return False


def _placed(text: str, places: dict[str, str]) -> str:
    """`text` with the twin's ids in the place of the original's."""
    for old, new in places.items():
        text = text.replace(old, new)
    return text


def _driven(answer: Answering) -> Drive:
    return lambda flow: run(_played(flow, answer))


def _played(flow: Flow[Answer], answer: Answering) -> Flow[Answer]:
    """`flow` with `answer` in the place of the outside world. Nothing but questions to PostgreSQL is left."""
    given: Any = None
    failure: Exception | None = None
    while True:
        try:
            step = flow.throw(failure) if failure else flow.send(given)
        except StopIteration as end:
            done: Answer = end.value
            return done
        given, failure = None, None
        try:
            if isinstance(step, Sleep):
                raise NotRepeatable("it would have waited for another request")
            given = answer(step.request) if isinstance(step, Http) else (yield step)
        except HttpFailed as failed:
            failure = failed
        except Exception as error:  # noqa: BLE001  (handed to the flow, which decides)
            failure = error


def _with_effects(told: Told, asked: Asked, history: History, at: datetime, *, fresh: bool = False) -> Told:
    """The answer and what came with it (events, postings), without what two payments cannot share."""
    document = parsed(told.body)
    ends = (_LAST, _LAST) if fresh else (_first_id(at + _AROUND), _first_id(at + _TICK))
    effects = run(history.effects(asked.caller, document, Span(_first_id(at - _AROUND), *ends))) if isinstance(document, dict) else {}
    shown = told.body.decode(errors="replace") if document is None else document
    body = orjson.dumps(Mask()({"answer": shown, **effects}), option=orjson.OPT_NON_STR_KEYS)
    return Told(told.status, told.content_type, body)


_LAST = UUID(int=(1 << 128) - 1)


def _first_id(at: datetime) -> UUID:
    """The smallest UUIDv7 of that millisecond."""
    return UUID(int=int(at.timestamp() * 1000) << 80)


def _code(told: Told) -> str | None:
    document = parsed(told.body)
    error = document.get("error") if isinstance(document, dict) else None
    code: str | None = error.get("code") if isinstance(error, dict) else None
    return code
