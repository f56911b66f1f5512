"""Switches in the product as it runs: two web processes, one of them without Redis."""

import io
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import psycopg
import pytest
from django.conf import settings
from django.core.management import call_command

from apps.cutover import selectors, services
from apps.cutover.models import Change
from tests.factories import MadeMerchant, new_merchant
from tests.stack import Stack

NOWHERE = "redis://127.0.0.1:1/0"
# Reads of accounts fail for the hot pool, and for nobody else.
BREAK = """
ALTER TABLE ledger_account RENAME TO real_account;
CREATE FUNCTION fails_when_hot() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('application_name') = 'florin-hot' THEN RAISE EXCEPTION 'broken on purpose'; END IF;
    RETURN true;
END $$;
CREATE VIEW ledger_account AS SELECT * FROM real_account WHERE (SELECT fails_when_hot());
"""
MEND = "DROP VIEW ledger_account; ALTER TABLE real_account RENAME TO ledger_account; DROP FUNCTION fails_when_hot();"


@pytest.fixture(scope="module")
def webs(own_database, tmp_path_factory) -> Iterator[list[httpx.Client]]:
    """A client for each of the two processes."""
    with ExitStack() as stack:
        clients = []
        for extra in ({}, {"REDIS_URL": NOWHERE}):
            running = Stack(tmp_path_factory.mktemp("web"), extra=extra | {"WEB_CONCURRENCY": "1"})
            stack.callback(running.stop)
            clients.append(stack.enter_context(httpx.Client(base_url=running.start("web").base, timeout=20)))
        yield clients


@pytest.fixture(scope="module")
def shop(own_database) -> MadeMerchant:
    return new_merchant(settings={"limit_per_key": 100_000, "limit_per_merchant": 100_000})


@pytest.fixture
def broken(own_database) -> Iterator[None]:
    _as_owner(BREAK)
    yield
    _as_owner(MEND)


def _as_owner(statements: str) -> None:
    with psycopg.connect(settings.DATABASE_OWNER_DSN, dbname=settings.DATABASES["default"]["NAME"], autocommit=True) as owner:
        owner.execute(statements)


def balance(web: httpx.Client, shop: MadeMerchant) -> httpx.Response:
    return web.get("/v1/balance", headers=shop.auth)


def ways(webs: list[httpx.Client], shop: MadeMerchant) -> set[str]:
    return {"classic" if "x-frame-options" in balance(web, shop).headers else "hot" for web in webs}


def seconds_until(webs: list[httpx.Client], shop: MadeMerchant, way: str) -> float:
    """How long it takes until both processes go `way`."""
    since = time.monotonic()
    while ways(webs, shop) != {way}:
        assert time.monotonic() - since < 20
        time.sleep(0.02)
    return time.monotonic() - since


def test_a_switch_is_thrown_in_both_processes_within_a_second(webs, shop) -> None:
    assert ways(webs, shop) == {"hot"}
    taken = []
    for way in ("classic", "hot") * 2:
        call_command("cutover", "set", "balance.retrieve", way, reason="a drill", stdout=io.StringIO())
        taken.append(seconds_until(webs, shop, way))
    # The best two of four: a machine that was busy elsewhere is not the switch's fault.
    assert sorted(taken)[1] < 1.0


def test_everything_is_rolled_back_at_once(webs, shop) -> None:
    call_command("cutover", "set", "balance.retrieve", "hot", merchant=shop.account, reason="a pilot", stdout=io.StringIO())
    assert services.roll_back(to="classic", actor="ada", reason="enough") >= 2
    seconds_until(webs, shop, "classic")
    assert webs[0].get("/v1/payment_intents", headers=shop.auth).headers["x-frame-options"]
    assert services.roll_back(to="hot", actor="ada", reason="go on") >= 2
    assert seconds_until(webs, shop, "hot") < 20


def test_an_endpoint_that_fails_turns_classic_by_itself_and_stays(webs, shop, broken) -> None:
    services.throw(endpoint="balance.retrieve", hot_percent=None, actor="ada", reason="as all others")
    seconds_until(webs, shop, "hot")
    services.limit(endpoint="balance.retrieve", min_requests=10, actor="ada", reason="judge sooner")
    statuses: list[int] = []
    while ways(webs, shop) != {"classic"} and len(statuses) < 1_000:
        statuses += [balance(web, shop).status_code for web in webs]
    assert statuses[:2] == [500, 500]
    assert [balance(web, shop).status_code for web in webs] == [200, 200]
    last = Change.objects.filter(endpoint="balance.retrieve", merchant_id=None).latest("id")
    assert (last.actor, last.before["hot_percent"], last.after["hot_percent"]) == (services.AUTOMATIC, None, 0)
    assert re.fullmatch(r"automatic: \d+ of \d+ hot requests failed within 60 s \(\d+\.\d %; at most 5 % may\)", last.reason)


def test_what_was_turned_classic_by_itself_stays_so(webs, shop) -> None:
    assert selectors.switch("balance.retrieve").changed_by == services.AUTOMATIC
    assert services.roll_back_where_due() == []
    assert ways(webs, shop) == {"classic"}
    services.roll_back(endpoint="balance.retrieve", to="hot", actor="ada", reason="it was mended")
    seconds_until(webs, shop, "hot")
    assert services.roll_back_where_due() == []
