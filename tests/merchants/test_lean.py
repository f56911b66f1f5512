"""The lean handler: as safe as the stock one, without its threads."""

import asyncio
import threading
import time

import pytest
from django.core.handlers.asgi import ASGIHandler
from django.core.signals import got_request_exception
from django.http import HttpResponse
from django.test import override_settings
from django.urls import path

from apps.core import db
from apps.core.ids import new_id
from config import lean
from config.lean import BodyLimit, LeanHandler
from tests.merchants.asgi import Left, ask
from tests.merchants.conftest import Api

JSON = {"Content-Type": "application/json"}


@pytest.fixture
def hot(hot_app, shop) -> Api:
    return Api(hot_app, shop.secret)


async def effects(key: str) -> int:
    rows = await db.aquery("SELECT count(*)::int AS n FROM tests_effect WHERE key = %s", [key])
    return rows[0]["n"]


async def test_no_thread_is_started_for_a_request(hot):
    await hot.get("/v1/whoami/x")
    before = {thread.ident for thread in threading.enumerate()}
    for number in range(50):
        await hot.post("/v1/things", {"amount": 1 + number})
        await hot.post("/v1/things", {"amount": -1})
        await hot.get("/v1/nothing")
    assert {thread.ident for thread in threading.enumerate()} == before


async def test_an_uncaught_exception_is_signalled_and_logged_with_the_request_id(hot, caplog):
    seen = []

    def notice(sender, request, **_):
        seen.append(request.florin_request_id)

    got_request_exception.connect(notice)
    try:
        reply = await hot.post("/v1/things", {"amount": 1, "fail": True})
    finally:
        got_request_exception.disconnect(notice)
    assert seen == [reply.headers["request-id"]]
    assert reply.headers["request-id"] in caplog.text


async def test_a_client_that_leaves_in_the_middle_of_its_body_starts_nothing(hot):
    key = f"left-{new_id()}"
    headers = hot.auth | JSON | {"Idempotency-Key": key}
    with pytest.raises(Left):
        await ask(hot.app, "POST", "/v1/things", headers=headers, chunks=[b'{"amount":', None])
    assert await effects(key) == 0


async def test_work_goes_on_when_the_requests_task_is_cancelled(hot, monkeypatch):
    from tests.merchants import things

    key, started = f"gone-{new_id()}", asyncio.Event()
    make = things.make_thing

    def slow(*args):
        started.set()
        yield things.Rows("SELECT pg_sleep(0.2)")
        return (yield from make(*args))

    monkeypatch.setattr(things, "make_thing", slow)
    request = asyncio.ensure_future(hot.post("/v1/things", {"amount": 1}, Idempotency_Key=key))
    await started.wait()
    request.cancel()
    await asyncio.sleep(0.5)
    assert await effects(key) == 1


async def test_a_body_without_an_end_is_cut_off_and_not_kept(hot):
    sent = 0

    async def receive():
        nonlocal sent
        sent += 65_536
        return {"type": "http.request", "body": b"x" * 65_536, "more_body": True}

    answers = []

    async def send(message):
        answers.append(message)

    scope = {"type": "http", "method": "POST", "path": "/v1/things", "query_string": b"", "headers": []}
    await hot.app(scope, receive, send)
    assert answers[0]["status"] == 413
    assert sent <= lean.SWALLOW_BYTES + 3 * lean.MAX_BODY


async def test_a_body_that_dribbles_in_is_given_up(hot, monkeypatch):
    monkeypatch.setattr(lean, "BODY_DEADLINE_S", 0.2)
    monkeypatch.setattr(lean, "SWALLOW_S", 0.1)
    reply = await ask(hot.app, "POST", "/v1/things", headers=hot.auth | JSON, chunks=[b" "] * 50, pause_s=0.02)
    assert (reply.status, reply.error["code"], reply.headers["connection"]) == (408, "body_timeout", "close")


@pytest.mark.parametrize("length", ["-1", "1e3", "abc", "9" * 30, "262145"])
async def test_a_wrong_or_too_large_content_length_is_refused(hot, length):
    reply = await ask(hot.app, "POST", "/v1/things", headers=hot.auth | JSON | {"Content-Length": length}, chunks=[b"{}"])
    assert reply.status in {400, 413}
    assert reply.error["code"] in {"body_invalid", "body_too_large"}


async def test_a_query_that_is_not_utf8_is_refused(hot):
    answers = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        answers.append(message)

    await hot.app({"type": "http", "method": "GET", "path": "/v1/things", "query_string": b"a=\xff", "headers": []}, receive, send)
    assert answers[0]["status"] == 400


async def test_a_host_that_is_not_ours_is_refused(app, shop):
    with override_settings(ALLOWED_HOSTS=["api.florin.example"]):
        reply = await ask(app, "GET", "/v1/things", headers=shop.auth)
    assert (reply.status, reply.error["code"]) == (400, "host_invalid")


def test_only_async_middleware_may_stand_before_a_hot_view():
    with override_settings(HOT_MIDDLEWARE=["django.middleware.common.CommonMiddleware"]), override_settings():
        assert LeanHandler("config.hot_urls")._middleware_chain is not None
    with override_settings(HOT_MIDDLEWARE=["tests.merchants.test_lean.SyncOnly"]), pytest.raises(TypeError):
        LeanHandler("config.hot_urls")


class SyncOnly:
    """A middleware that would bring the threads back."""

    async_capable = False

    def __init__(self, get_response):
        self.get_response = get_response


class Marking:
    """A middleware as HOT_MIDDLEWARE wants it."""

    async_capable = True

    def __init__(self, get_response):
        self.get_response = get_response

    async def __call__(self, request):
        response = await self.get_response(request)
        response["X-Marked"] = "yes"
        return response


async def plain(request):
    return HttpResponse("fine")


class Plain:
    urlpatterns = [path("plain", plain)]


async def test_middleware_stands_around_the_view():
    with override_settings(HOT_MIDDLEWARE=["tests.merchants.test_lean.Marking"]):
        reply = await ask(LeanHandler(Plain), "GET", "/plain")
    assert (reply.status, reply.body, reply.headers["x-marked"]) == (200, b"fine", "yes")
    assert reply.headers["content-length"] == "4"


async def cpu_of(app, requests: int) -> float:
    """Seconds of processor time, of all threads, that `requests` trivial requests take."""
    await ask(app, "GET", "/plain")
    before = time.process_time()
    for _ in range(requests):
        await ask(app, "GET", "/plain")
    return time.process_time() - before


async def test_a_trivial_request_costs_less_than_half_of_what_the_stock_handler_takes():
    with override_settings(ROOT_URLCONF=Plain, MIDDLEWARE=[]):
        stock, lean_one = ASGIHandler(), LeanHandler(Plain)
        assert await cpu_of(lean_one, 200) < await cpu_of(stock, 200) / 2


async def test_the_stock_handler_is_kept_from_spooling_large_bodies():
    received = []

    async def greedy(scope, receive, send):
        while True:
            message = await receive()
            received.append(len(message["body"]))
            if not message["more_body"]:
                return

    reply = await ask(BodyLimit(greedy, lambda path: 1_000), "POST", "/v1/x", chunks=[b"x" * 400] * 10)
    assert (reply.status, reply.error["code"]) == (413, "body_too_large")
    assert sum(received) <= 1_000
