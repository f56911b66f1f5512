"""Two URLs with a DRF view and an async twin each, to test what is common to all views."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import path

from apps.core.api.answers import encode
from apps.core.api.types import Amount, Description, ListParams, Metadata, Shape
from apps.core.flow import Flow, Rows, Sql
from apps.idempotency.domain import Answer, RequestKey
from apps.idempotency.flows import claimed
from apps.merchants.api.hot_base import HotView
from apps.merchants.api.views_base import FlorinView


class NewThing(Shape):
    amount: Amount
    description: Description | None = None
    metadata: Metadata = {}
    fail: bool = False
    cut: bool = False


def make_thing(key: RequestKey, body: NewThing) -> Flow[Answer]:
    if body.fail:
        raise RuntimeError("boom: a secret in the message")
    if body.cut:
        yield Rows("SELECT pg_terminate_backend(pg_backend_pid())")
    note = encode({"object": "thing", "amount": body.amount, "description": body.description}).decode()
    outcome = yield from claimed(lambda: Sql("tests_write", {"k": key.claim(), "note": note, "leave_running": False}))
    return outcome if isinstance(outcome, Answer) else Answer(200, note.encode(), kept=True)


def count_things(key: str) -> Flow[dict[str, Any]]:
    rows = yield Rows("SELECT count(*)::int AS n FROM tests_effect WHERE key = %(key)s", {"key": key})
    return {"object": "count", "n": rows[0]["n"]}


SCOPE = {"GET": "payments:read", "POST": "payments:write"}


class Things(FlorinView):
    scope = SCOPE

    def get(self, request: HttpRequest) -> HttpResponse:
        params = self.params(ListParams)
        return self.shown({"object": "list", "limit": params.limit})

    def post(self, request: HttpRequest) -> HttpResponse:
        body = self.body(NewThing)
        return self.write(make_thing(self.key(body), body))


class HotThings(HotView):
    scope = SCOPE

    async def get(self, request: HttpRequest) -> HttpResponse:
        params = self.params(ListParams)
        return self.shown({"object": "list", "limit": params.limit})

    async def post(self, request: HttpRequest) -> HttpResponse:
        body = self.body(NewThing)
        return await self.write(make_thing(self.key(body), body))


class Whoami(FlorinView):
    def get(self, request: HttpRequest, name: str) -> HttpResponse:
        return self.shown({"account": self.caller.account, "livemode": self.caller.livemode, "name": name})


class HotWhoami(HotView):
    async def get(self, request: HttpRequest, name: str) -> HttpResponse:
        return self.shown({"account": self.caller.account, "livemode": self.caller.livemode, "name": name})


class Classic:
    """The urlconf of the stock handler."""

    urlpatterns = [path("v1/things", Things.as_view()), path("v1/whoami/<str:name>", Whoami.as_view())]
    handler404 = "apps.core.api.fallbacks.not_found"
    handler500 = "apps.core.api.fallbacks.server_error"


class Hot:
    """The urlconf of the lean handler."""

    urlpatterns = [path("v1/things", HotThings.as_view()), path("v1/whoami/<str:name>", HotWhoami.as_view())]
