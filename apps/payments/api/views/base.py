"""What the views of payments share."""

from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from django.http import HttpResponse

from apps.core.api.answers import encode
from apps.core.api.lists import keyset, page
from apps.core.api.types import ListParams
from apps.core.errors import InvalidId, NotFound
from apps.core.flow import run
from apps.core.ids import decode
from apps.idempotency.api.replays import work_once
from apps.merchants.api.views_base import FlorinView
from apps.merchants.domain import Caller
from apps.payments import gateways, selectors
from apps.payments.domain import expansion, requests, rows
from apps.payments.flows import describe_token
from apps.payments.models.base import Owned

M = TypeVar("M", bound=Owned)
L = TypeVar("L", bound=ListParams)
Json = dict[str, Any]


def path_id(model: type[Owned], text: str) -> UUID:
    """The id in a path.  Raises: NotFound for what is no id of that kind, as for one that nobody has."""
    try:
        return decode(model.prefix, text)
    except InvalidId:
        raise NotFound(kind=selectors.KINDS[model], id=text[:64]) from None


class View(FlorinView):
    """One kind of object; subclasses say which and how it is rendered."""

    model: type[Owned]

    @property
    def mine(self) -> Json:
        """Whose objects and in which mode, as selectors take it."""
        return {"merchant_id": self.caller.merchant_id, "livemode": self.caller.livemode}

    def render(self, record: Any, expand: frozenset[str]) -> Any:
        raise TypeError(f"{type(self).__name__} does not say how it renders")

    def wanted(self, body: Any) -> frozenset[str]:
        return expansion.wanted(body.expand, selectors.KINDS[self.model])

    def retrieved(self, id: str) -> HttpResponse:
        """The response to GET of one object."""
        expand = self.wanted(self.params(requests.Retrieve))
        found = selectors.one(self.model, id=path_id(self.model, id), expand=expand, **self.mine)
        return self.shown(self.render(found, expand))

    def listed(self, shape: type[L], narrowed: Callable[[Any, L], Any]) -> HttpResponse:
        """The response to GET of a list; `narrowed` applies the filters that are the list's own."""
        params = self.params(shape)
        expand = expansion.wanted(params.expand, selectors.KINDS[self.model], in_list=True)
        at = keyset(params, prefix=self.model.prefix, ids_are=self.model.ids_are)
        found = selectors.window(narrowed(selectors.joined(selectors.owned(self.model, **self.mine), expand), params), at)
        return self.shown(page(found, at, self.request.path, lambda record: self.render(record, expand)))

    def written(self, body: msgspec.Struct, work: Callable[[str | None], Owned]) -> HttpResponse:
        """The response to a write that asks nobody outside: `work` (given the key) and the answer are
        one transaction."""
        expand, key = self.wanted(body), self.key(body)

        def once() -> tuple[int, bytes]:
            changed = work(key.key)
            shown = selectors.one(type(changed), id=changed.id, expand=expand, **self.mine) if expand else changed
            return 200, encode(self.render(shown, expand))

        return self.answered(work_once(key, once))


def new_method(caller: Caller, name: str) -> Json:
    """What creates a payment method for the gateway's token or test method `name`."""
    token, card = run(describe_token(name))
    return {"caller": caller, "gateway": gateways.DEFAULT, "token": token, "card": card}


def joined_row(kind: type[Any], record: Any, expand: frozenset[str], path: str, name: str) -> Any:
    """The row of what `record` refers to by `name`, if `path` is expanded."""
    return rows.of_or_none(kind, getattr(record, name)) if path in expand else None
