"""How long a statement may take: seconds for whoever answers a request, minutes for whoever nobody waits for."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator

import psycopg
import pytest
from django.conf import settings
from django.test import Client

from apps.core import db
from tests.conftest import ROOT
from tests.cutover.conftest import path_of, send
from tests.merchants.asgi import Reply

BALANCE = "/v1/balance"
# Reads of accounts take longer than anybody waits.
SLOW = """
ALTER TABLE ledger_account RENAME TO real_account;
CREATE FUNCTION sleeps() RETURNS boolean LANGUAGE sql AS 'SELECT pg_sleep(20) IS NOT NULL';
CREATE VIEW ledger_account AS SELECT * FROM real_account WHERE (SELECT sleeps());
"""
MEND = "DROP VIEW ledger_account; ALTER TABLE real_account RENAME TO ledger_account; DROP FUNCTION sleeps();"
JOB = """
import django
django.setup()
from apps.core import db
print(db.query("SELECT pg_sleep(6), current_user::text AS role, current_database()::text AS place")[0])
"""


@pytest.fixture
def slow(database) -> Iterator[None]:
    _as_owner(SLOW)
    yield
    _as_owner(MEND)


def _as_owner(statements: str) -> None:
    with psycopg.connect(settings.DATABASE_OWNER_DSN, autocommit=True) as owner:
        owner.execute(statements)


def assert_orderly(status: int, body: bytes, retry_after: str | None) -> None:
    assert (status, retry_after) == (503, "1")
    assert b'"code":"unavailable"' in body
    assert b"statement" not in body


async def test_a_hot_statement_is_ended_and_the_request_refused_in_an_orderly_way(slow, make_merchant) -> None:
    shop = await asyncio.to_thread(make_merchant)
    reply: Reply = await send(shop, "GET", BALANCE)
    assert path_of(reply) == "hot"
    assert_orderly(reply.status, reply.body, reply.headers.get("retry-after"))


def test_a_classic_statement_is_ended_and_the_request_refused_in_an_orderly_way(slow, make_merchant) -> None:
    response = Client().get(BALANCE, headers=make_merchant().auth)
    assert_orderly(response.status_code, response.content, response.get("Retry-After"))


def test_what_a_statement_did_before_it_was_ended_is_undone(database, make_merchant) -> None:
    shop = make_merchant()
    with pytest.raises(Exception, match="statement timeout"):
        db.query("UPDATE merchants_merchant SET name = 'changed' WHERE id = %s AND pg_sleep(20) IS NOT NULL", [shop.id])
    assert db.query("SELECT name FROM merchants_merchant WHERE id = %s", [shop.id])[0]["name"] != "changed"


def job(**variables: str) -> subprocess.CompletedProcess[str]:
    place = settings.DATABASES["default"]
    url = "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**place)
    environment = os.environ | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "config.settings.test"} | variables
    return subprocess.run([sys.executable, "-c", JOB], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_a_job_takes_its_time_in_the_same_database(database) -> None:
    done = job(JOBS="1")
    assert done.returncode == 0, done.stderr
    assert ("'role': 'florin_jobs'" in done.stdout, f"'place': '{database}'" in done.stdout) == (True, True)


def test_whoever_does_not_say_so_is_no_job(database) -> None:
    done = job(JOBS="")
    assert done.returncode == 1
    assert "canceling statement due to statement timeout" in done.stderr


def test_a_job_may_do_what_the_application_may_and_no_more(database) -> None:
    login = {"user": os.environ["DATABASE_JOBS_USER"], "password": os.environ["DATABASE_JOBS_PASSWORD"]}
    with psycopg.connect(settings.DATABASE_DSN, **login, autocommit=True) as jobs:
        assert jobs.execute("SELECT count(*) FROM merchants_merchant").fetchone()
        limits = [jobs.execute(f"SHOW {name}").fetchone() for name in ("statement_timeout", "lock_timeout")]
        assert limits == [("5min",), ("2s",)]
        for refused in ("DELETE FROM ledger_posting", "TRUNCATE ledger_entry", "CREATE TABLE mine (id int)"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                jobs.execute(refused)
