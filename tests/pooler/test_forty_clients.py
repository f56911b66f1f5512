"""Forty clients on three connections (F6): nothing of one client's session is seen by another, nothing hangs."""

import asyncio
import signal
from collections.abc import Iterator

import aiohttp
import psycopg
import pytest
from django.conf import settings

from tests.pooler.conftest import POOL_SIZE
from tests.pooler.load import CREATE, HANGS_S, STEPS, Seen, ask, held_by

CLIENTS = 40
RECOVERY_S = 5.0
# Of this database: pg_locks shows those of the whole server.
_ADVISORY_LOCKS = """
SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
WHERE l.locktype = 'advisory' AND d.datname = current_database()
"""
ROLE_SETTINGS = {"statement_timeout": "5s", "lock_timeout": "2s", "idle_in_transaction_session_timeout": "10s"}


@pytest.fixture
def secrets(make_merchant) -> list[str]:
    return [make_merchant().secret for _ in range(CLIENTS)]


async def test_all_are_served_and_leave_nothing_behind_in_the_sessions(web, bouncer, secrets) -> None:
    async with held_by(web.base, secrets) as load:
        await load.served(400, 60)
    assert load.wrong() == []
    with psycopg.connect(settings.DATABASE_OWNER_DSN) as direct:
        assert direct.execute(_ADVISORY_LOCKS).fetchone() == (0,)
    assert _settings_of_every_session(bouncer) == [ROLE_SETTINGS] * POOL_SIZE
    (pool,) = [row for row in bouncer.ask("SHOW POOLS") if row["user"] == "florin_app"]
    assert int(pool["sv_idle"]) + int(pool["sv_used"]) + int(pool["sv_active"]) <= POOL_SIZE


def _settings_of_every_session(bouncer) -> list[dict[str, str]]:
    """What is in force in each of the pool's sessions: held at once, so that each is another."""
    held = [psycopg.connect(bouncer.url) for _ in range(POOL_SIZE)]
    found = [{name: session.execute(f"SHOW {name}").fetchone()[0] for name in ROLE_SETTINGS} for session in held]
    for session in held:
        session.close()
    return found


async def test_three_restarts_under_load_cost_503s_and_at_most_five_seconds(web, bouncer, secrets) -> None:
    async with held_by(web.base, secrets) as load:
        await load.served(100, 30)
        for number in (signal.SIGTERM, signal.SIGKILL):
            await asyncio.to_thread(bouncer.end, number)
            await asyncio.sleep(1)
            await asyncio.to_thread(bouncer.start)
            await load.served(CLIENTS, RECOVERY_S)
        await asyncio.to_thread(bouncer.ask, "RECONNECT")
        await load.served(CLIENTS, RECOVERY_S)
    assert load.wrong() == []
    assert load.statuses[503] > 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
async def test_a_restart_while_nobody_asks_is_noticed_by_nobody(web, bouncer, secrets, number) -> None:
    # Two of each step: forty would wait too long on a busy machine, and be told so.
    asked = list(zip(secrets, STEPS * 2, strict=False))
    async with aiohttp.ClientSession(web.base, timeout=aiohttp.ClientTimeout(total=HANGS_S)) as client:

        async def refused() -> list[Seen]:
            answers = await asyncio.gather(*(ask(client, secret, *step) for secret, step in asked))
            return [answer for answer in answers if answer.status != 200]

        async with asyncio.timeout(RECOVERY_S):
            while await refused():
                pass
        await asyncio.to_thread(bouncer.end, number)
        await asyncio.to_thread(bouncer.start)
        assert await refused() == []


@pytest.fixture
def held(bouncer) -> Iterator[list[psycopg.Connection]]:
    """Every connection of the pool, each in a transaction that may be idle for as long as a busy machine needs."""
    sessions = [psycopg.connect(bouncer.url) for _ in range(POOL_SIZE)]
    for session in sessions:
        session.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
    yield sessions
    for session in sessions:
        session.close()


@pytest.mark.parametrize(("method", "path", "data"), [("POST", "/v1/payment_intents", CREATE), ("GET", "/v1/events", None)])
async def test_a_pool_that_others_hold_is_an_orderly_503_and_heals(web, held, secrets, method, path, data) -> None:
    async with aiohttp.ClientSession(web.base, timeout=aiohttp.ClientTimeout(total=HANGS_S)) as client:
        refused = await asyncio.gather(*(ask(client, secret, method, path, data) for secret in secrets))
        for session in held:
            session.close()
        assert {(answer.status, answer.retry_after) for answer in refused} == {(503, "1")}
        assert (await _first_served(client, secrets[0], method, path, data)).status == 200


async def test_a_page_of_the_back_office_is_a_503_too(web, held) -> None:
    async with aiohttp.ClientSession(web.base, cookies={"sessionid": "a" * 32}) as browser, browser.get("/admin/") as page:
        assert (page.status, page.headers["Retry-After"]) == (503, "1")
        assert "Try again" in await page.text()


async def _first_served(client: aiohttp.ClientSession, *request):
    async with asyncio.timeout(RECOVERY_S):
        while (answer := await ask(client, *request)).status == 503:
            await asyncio.sleep(0.1)
        return answer
