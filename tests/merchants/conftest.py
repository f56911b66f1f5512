"""Both handlers over the twin views of `things`."""

import json
from functools import partial

import pytest
from django.core.handlers.asgi import ASGIHandler
from django.test import override_settings

from apps.core.caching import cache
from apps.merchants.api import gate, limits
from config.lean import BodyLimit, LeanHandler
from tests.idempotency.conftest import effect_table  # noqa: F401  (the write function that `things` call)
from tests.merchants.asgi import ask
from tests.merchants.things import Classic, Hot

LIMIT = 262_144


@pytest.fixture(autouse=True)
def fresh_process():
    """No key, limit or value is remembered from another test."""
    gate.forget()
    limits.forget()
    cache.forget()


@pytest.fixture(scope="session")
def hot_app():
    return LeanHandler(Hot)


@pytest.fixture(scope="session")
def classic_app():
    inner = BodyLimit(ASGIHandler(), lambda path: LIMIT)

    async def app(scope, receive, send):
        with override_settings(ROOT_URLCONF=Classic):
            await inner(scope, receive, send)

    return app


@pytest.fixture(params=["classic", "hot"])
def app(request, classic_app, hot_app):
    """Each test runs against the stock handler with DRF views and the lean one with async views."""
    return classic_app if request.param == "classic" else hot_app


@pytest.fixture(scope="session")
def shop(make_merchant):
    return make_merchant()


class Api:
    """Requests of one merchant."""

    def __init__(self, app, secret: str) -> None:
        self.app = app
        self.auth = {"Authorization": f"Bearer {secret}"}
        self.ask = partial(ask, app)

    async def get(self, url: str, **headers: str):
        return await ask(self.app, "GET", url, headers=self.auth | headers)

    async def post(self, url: str, document, **headers: str):
        raw = document if isinstance(document, bytes) else json.dumps(document).encode()
        sent = self.auth | {"Content-Type": "application/json"} | {name.replace("_", "-"): value for name, value in headers.items()}
        return await ask(self.app, "POST", url, headers=sent, chunks=[raw])


@pytest.fixture
def api(app, shop) -> Api:
    return Api(app, shop.secret)
