"""Base of every hot view that has a DRF twin: sends a request the way its switch says, and looks at
what came of it.

class Refunds(SwitchedView):
    scope = {"POST": "refunds:write"}
    endpoint = {"POST": "refunds.create"}
"""

from collections.abc import Mapping
from typing import Any, cast

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse

from apps.core.api.errors import Unavailable
from apps.core.errors import FlorinError
from apps.cutover.api import classic, watch
from apps.cutover.domain import CLASSIC, ENDPOINTS, HOT
from apps.merchants.api.exchange import HandedOver
from apps.merchants.api.hot_base import HotView


class SwitchedView(HotView):
    """`endpoint`: the name that each method is switched by. `name` and `path` (hot or classic) are known
    once the gate has let the request in."""

    endpoint: Mapping[str, str] = {}
    name: str | None = None
    path = HOT
    _expected = False

    def __init_subclass__(cls) -> None:
        unknown = set(cls.endpoint.values()).difference(ENDPOINTS)
        if unknown:
            raise TypeError(f"{cls.__name__} names {unknown.pop()!r}, which apps/cutover/domain.py does not")

    async def handled(self, **kwargs: Any) -> HttpResponse:
        try:
            response = await super().handled(**kwargs)
        except Exception:
            self._count(failed=True)
            raise
        self._count(failed=response.status_code >= 500 and not self._expected)
        self.observed(response)
        return response

    async def admitted(self, method: str, **kwargs: Any) -> HttpResponse:
        name = self.name = self.endpoint.get(method)
        if name is None or watch.plan(name).is_hot(self.caller.merchant_id, self._token()):
            return await super().admitted(method, **kwargs)
        self.path = CLASSIC
        return await classic.answer(cast(ASGIRequest, self.request), HandedOver(self.caller, self.rate_headers))

    def refused(self, error: FlorinError) -> HttpResponse:
        # Too much load and a silent gateway are no fault of this path: the twin would say the same, later.
        self._expected = not isinstance(error, Unavailable)
        return super().refused(error)

    def observed(self, response: HttpResponse) -> None:
        """The request has this answer, which nobody has seen yet. Must not wait or fail."""

    def _token(self) -> str:
        """What a retry has in common with its first try."""
        key: str | None = self.request.META.get("HTTP_IDEMPOTENCY_KEY")
        return key or self.caller.request_id

    def _count(self, *, failed: bool) -> None:
        if self.name is not None:
            watch.count(self.name, self.path, failed=failed)
