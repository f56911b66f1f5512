"""Base of every hot view: the same pieces as `views_base`, on the event loop, without a thread.

class Refunds(HotView):
    scope = {"POST": "refunds:write"}

    async def post(self, request: HttpRequest) -> HttpResponse:
        body = self.body(CreateRefund)
        return await self.write(flows.create_refund(self.caller, self.key(body), body))

urlpatterns = [path("refunds", Refunds.as_view())]
"""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import psycopg
import structlog
from django.http import HttpRequest, HttpResponse

from apps.core.api import request_ids
from apps.core.api.errors import Unavailable
from apps.core.collapse import shared
from apps.core.errors import FlorinError
from apps.core.flow import Flow
from apps.idempotency.api import replays
from apps.idempotency.domain import Answer
from apps.merchants.api import gate, limits
from apps.merchants.api.exchange import Exchange, refuse_url

T = TypeVar("T")
log = structlog.get_logger(__name__)


class HotView(Exchange):
    """One instance per request. Methods are coroutines named after the HTTP method."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request

    @classmethod
    def as_view(cls) -> Callable[..., Awaitable[HttpResponse]]:
        def view(request: HttpRequest, **kwargs: Any) -> Awaitable[HttpResponse]:
            return cls(request).handled(**kwargs)

        view.csrf_exempt = True  # type: ignore[attr-defined]  # no cookies are looked at
        view.view_class = cls  # type: ignore[attr-defined]
        return view

    async def handled(self, **kwargs: Any) -> HttpResponse:
        """The answer, whatever comes. All of it is one coroutine: whatever is waited for comes through each."""
        request = self.request
        try:
            refuse_url(request)
            method = request.method
            if method == "OPTIONS":
                return self.options(request)
            if method not in self.allowed():
                raise self.wrong_method()
            request_id = request_ids.of(request)
            caller = gate.known(request.META, request_id)
            self.caller = caller = await gate.aauthenticate(request.META, request_id) if caller is None else caller
            headers = limits.leased(caller)
            self.rate_headers = await limits.atake(caller) if headers is None else headers
            method = "GET" if method == "HEAD" else method
            if caller.scopes:  # a key without scopes may do everything
                gate.require(caller, self.scope.get(method))
            response = await self.admitted(method, **kwargs)
        except FlorinError as error:
            return self.refused(error)
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            log.warning("database.unavailable", error=type(error).__name__)
            return self.refused(Unavailable())
        except Exception:
            self.failed()
            raise
        self.observed(response)
        return response

    def admitted(self, method: str, **kwargs: Any) -> Awaitable[HttpResponse]:
        """The answer to a request that may be made, still to be waited for: `caller` and `rate_headers` are known."""
        answering: Awaitable[HttpResponse] = getattr(self, method.lower())(self.request, **kwargs)
        return answering

    def raw(self) -> bytes:
        """The body's bytes. The lean handler has read them, and has refused more than may be sent."""
        return self.request.body

    def observed(self, response: HttpResponse) -> None:
        """This has been answered; nobody has seen it yet. Must not wait or fail."""

    def failed(self) -> None:
        """Something unforeseen is about to be raised. Must not wait or fail."""

    async def write(self, flow: Flow[Answer]) -> HttpResponse:
        """Runs a write flow to its end even if the client leaves; its answer is the response."""
        return self.answered(await replays.aonce(self.asked, flow))

    async def read(self, flow: Flow[T]) -> T:
        """What a reading flow of a GET finds. Those who ask for the same at the same time share it."""
        request, caller = self.request, self.caller
        key = (caller.merchant_id, caller.livemode, request.path, request.META.get("QUERY_STRING"))
        return await shared(key, flow)
