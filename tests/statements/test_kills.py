"""A worker dies by SIGKILL between any two steps of making statements; another one goes on."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest
from django.conf import settings

from apps.core import db
from apps.statements import selectors, services
from apps.statements.audit import CHECKS
from apps.statements.errors import LeaseLost
from apps.statements.services import issuing
from tests.conftest import ROOT
from tests.statements import books

pytestmark = pytest.mark.usefixtures("own_database")

# (object, function, on which call, before or after it): where the worker dies.
POINTS = {
    "after the claim": ("issuing", "_claim", 1, "after"),
    "figures read, no number": ("issuing", "_command", 1, "after"),
    "numbered": ("issuing", "_numbered", 1, "after"),
    "PDF rendered, not stored": ("issuing.files", "store", 1, "before"),
    "PDF stored, no CSV": ("issuing.files", "store", 1, "after"),
    "file half written": ("issuing.files.os", "fsync", 1, "before"),
    "both stored": ("issuing", "_complete", 1, "before"),
    "inside the last transaction": ("issuing", "_announce", 1, "after"),
    "issued, second one claimed": ("issuing", "_numbered", 2, "before"),
    "second one numbered": ("issuing", "_numbered", 2, "after"),
}

WORKER = """
import os, signal, sys
import django
django.setup()
from apps.statements import services
from apps.statements.services import issuing
where, name, call, when, *work = sys.argv[1:]
owner = eval(where)
real, calls = getattr(owner, name), 0
def deadly(*args, **kwargs):
    global calls
    calls += 1
    if calls == int(call) and when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    result = real(*args, **kwargs)
    if calls == int(call):
        os.kill(os.getpid(), signal.SIGKILL)
    return result
setattr(owner, name, deadly)
services.work_off(work_ids=work)
"""


def worker(script: str, *words: str) -> subprocess.Popen:
    """A process of its own on this module's database and files."""
    database = settings.DATABASES["default"]
    url = f"postgres://{database['USER']}:{database['PASSWORD']}@{database['HOST']}:{database['PORT']}/{database['NAME']}"
    environment = os.environ | {"DATABASE_URL": url, "MEDIA_DIR": str(settings.MEDIA_ROOT)}
    return subprocess.Popen([sys.executable, "-c", script, *words], cwd=ROOT, env=environment)


def killed_worker(point: tuple, work: list[str]) -> int:
    """Runs a worker that dies at `point`; returns how it ended."""
    return worker(WORKER, *(str(word) for word in point), *work).wait(60)


@pytest.mark.parametrize("point", POINTS.values(), ids=POINTS)
def test_after_a_kill_there_is_one_statement_each_and_no_number_is_missing(make_merchant, month, point):
    merchants = [make_merchant(), make_merchant()]
    for merchant in merchants:
        books.busy_month(merchant.id, month)
    work = books.plan_closed(month, *merchants)
    assert killed_worker(point, work) == -signal.SIGKILL
    books.forget_leases()
    services.work_off(work_ids=work)
    assert selectors.progress(month)["done"] == len(work) == 2
    for merchant in merchants:
        (statement,) = books.statements_of(merchant.id)
        assert (statement["status"], statement["closing"]) == ("issued", 6622)
        events = db.query("SELECT id FROM events_event WHERE object_id = %s", [statement["id"]])
        mails = db.query("SELECT id FROM statements_delivery WHERE statement_id = %s", [statement["id"]])
        assert (len(events), len(mails)) == (1, 1)
        assert services.file(statement, suffix="pdf").startswith(b"%PDF")
    serials = [row["serial"] for row in db.query("SELECT serial FROM statements_statement ORDER BY serial")]
    assert serials == list(range(1, len(serials) + 1))


def test_a_killed_worker_leaves_the_bytes_a_calm_one_makes(make_merchant, month):
    merchant = make_merchant()
    books.busy_month(merchant.id, month)
    work = books.plan_closed(month, merchant)
    killed_worker(POINTS["PDF stored, no CSV"], work)
    stored = {path.name for path in settings.MEDIA_ROOT.rglob("*.pdf")}
    books.forget_leases()
    services.work_off(work_ids=work)
    hashes = {f"{row['pdf_sha256']}.pdf" for row in selectors.issued_in(month)}
    assert len(stored & hashes) == 1


def test_a_worker_that_lost_its_lease_finishes_nothing(make_merchant, month):
    merchant = make_merchant()
    books.busy_month(merchant.id, month)
    (own,) = books.plan_closed(month, merchant)
    killed_worker(POINTS["after the claim"], [own])
    late = db.query("SELECT * FROM statements_work WHERE id = %s", [own])[0]
    books.forget_leases()
    services.work_off(work_ids=[own])
    before = books.statements_of(merchant.id)
    with pytest.raises(LeaseLost):
        issuing._complete(late, before[0], before[0]["pdf_sha256"], before[0]["csv_sha256"])
    assert books.statements_of(merchant.id) == before


def test_what_kills_its_worker_five_times_is_parked(make_merchant, month):
    merchant = make_merchant()
    books.busy_month(merchant.id, month)
    (own,) = books.plan_closed(month, merchant)
    db.query("UPDATE statements_work SET attempts = 3 WHERE id = %s", [own])
    for _ in range(2):
        killed_worker(POINTS["numbered"], [own])
        books.forget_leases()
    assert services.work_off(work_ids=[own]) == 0
    assert db.query("SELECT state, attempts FROM statements_work WHERE id = %s", [own]) == [{"state": "parked", "attempts": 5}]


CALM = "import sys, django; django.setup(); from apps.statements import services; services.work_off(work_ids=sys.argv[1:])"


def test_workers_killed_at_random_moments_end_with_one_statement_each(make_merchant, month):
    merchants = [make_merchant() for _ in range(30)]
    for merchant in merchants:
        books.busy_month(merchant.id, month)
    work, chance = books.plan_closed(month, *merchants), random.Random(20261031)
    for _ in range(4):
        workers = [worker(CALM, *work) for _ in range(2)]
        time.sleep(chance.uniform(1.0, 2.0))
        for each in workers:
            each.kill()
            each.wait()
        books.forget_leases()
    services.work_off(work_ids=work)
    assert selectors.progress(month)["done"] == 30
    assert {(row["status"], row["closing"]) for row in selectors.issued_in(month)} == {("issued", 6622)}
    assert [offender for check in CHECKS if not check.strict_only for offender in check.offenders()] == []
