"""Base of every hot view that has a DRF twin: sends a request the way its switch says, and looks at
what came of it.

class Refunds(SwitchedView):
    scope = {"POST": "refunds:write"}
    endpoint = {"POST": "refunds.create"}
"""

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse

from apps.cutover.domain import ENDPOINTS
from apps.merchants.api.hot_base import HotView


class SwitchedView(HotView):
    """`endpoint`: the name that each method is switched by."""

    endpoint: Mapping[str, str] = {}

    def __init_subclass__(cls) -> None:
        unknown = set(cls.endpoint.values()).difference(ENDPOINTS)
        if unknown:
            raise TypeError(f"{cls.__name__} names {unknown.pop()!r}, which apps/cutover/domain.py does not")

    async def handled(self, **kwargs: Any) -> HttpResponse:
        response = await super().handled(**kwargs)
        self.observed(response)
        return response

    def observed(self, response: HttpResponse) -> None:
        """The request has this answer, which nobody has seen yet. Must not wait or fail."""
