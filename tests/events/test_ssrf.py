"""Merchants choose the URL; they do not choose what Florin's own network answers."""

import socket

import pytest

from apps.core import db, http
from apps.events import services
from apps.events.errors import EndpointUrlInvalid
from tests.events.world import Shop, log_of, relay

INSIDE = [
    "http://example.com/hook", "https://127.0.0.1/", "https://localhost/", "https://10.1.2.3/", "https://169.254.169.254/latest/",
    "https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://[fd00::1]/", "https://0x7f000001/", "https://2130706433/", "https://0177.0.0.1/",
    "https://user@example.com/", "https://example.com:22/", "https://redis.internal/", "https://example.com\\@127.0.0.1/", "ftp://example.com/",
]  # fmt: skip


@pytest.fixture(autouse=True)
def guarded(settings) -> None:
    settings.WEBHOOK_ALLOW_PRIVATE = False


@pytest.fixture
def names(monkeypatch) -> dict[str, str]:
    """What names lead to, for this test."""
    book: dict[str, str] = {}
    real = socket.getaddrinfo

    def look_up(host, *args, **kwargs):
        return real(book.get(host, host), *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return book


def moved(shop: Shop, url: str):
    """An endpoint that was made when its URL was harmless, as the row says it now."""
    endpoint = shop.listens("https://shop.example/hook")
    db.query("UPDATE events_webhook_endpoint SET url = %s WHERE id = %s", [url, endpoint.id])
    return endpoint


@pytest.mark.parametrize("url", INSIDE)
def test_an_address_inside_is_refused_when_an_endpoint_is_made_or_changed(shop, url):
    with pytest.raises(EndpointUrlInvalid) as refused:
        shop.listens(url)
    assert (refused.value.param, refused.value.status) == ("url", 400)
    endpoint = shop.listens("https://shop.example/hook")
    with pytest.raises(EndpointUrlInvalid):
        services.update_endpoint(merchant_id=shop.id, livemode=False, endpoint_id=endpoint.id, changes={"url": url})
    endpoint.refresh_from_db()
    assert endpoint.url == "https://shop.example/hook"


def test_the_platforms_own_name_is_refused(shop, settings):
    settings.PUBLIC_BASE_URL = "https://api.florin.example"
    with pytest.raises(EndpointUrlInvalid):
        shop.listens("https://api.florin.example/v1/charges")


@pytest.mark.parametrize("inside", ["127.0.0.1", "10.0.0.1", "::1", "169.254.169.254"])
def test_a_name_that_leads_inside_by_now_is_not_connected_to(shop, names, inside):
    names["shop.example"] = inside
    endpoint = shop.listens("https://shop.example:8443/hook")
    event_id = shop.emits()
    relay()
    delivery = shop.sends(event_id, endpoint)
    assert (delivery["state"], delivery["last_error"]) == ("pending", "blocked")
    assert [attempt["response"] for attempt in log_of(delivery)] == [""]


def test_an_address_inside_that_got_into_the_table_is_not_connected_to(shop, listener):
    endpoint = moved(shop, f"https://127.0.0.1:{listener.port}/hook")
    event_id = shop.emits()
    relay()
    assert shop.sends(event_id, endpoint)["last_error"] == "blocked"
    assert listener.calls == []


def test_the_socket_itself_refuses_an_address_that_the_look_up_let_through(shop, names, monkeypatch):
    async def unchecked(self, host, port=0, family=socket.AF_INET):
        return await self._inner.resolve(host, port, family)

    monkeypatch.setattr(http.PublicResolver, "resolve", unchecked)
    names["shop.example"] = "127.0.0.1"
    endpoint = shop.listens("https://shop.example:8443/hook")
    event_id = shop.emits()
    relay()
    assert shop.sends(event_id, endpoint)["last_error"] == "blocked"
