"""The closer dies by SIGKILL between and inside steps; the command is run again."""

import os
import signal
import subprocess
import sys

import pytest
from django.conf import settings
from django.core.management import call_command

from apps.closing import selectors
from apps.closing.audit import CHECKS
from tests.conftest import ROOT
from tests.statements import books

pytestmark = pytest.mark.usefixtures("own_database")

CLOSER = """
import os, signal, sys
import django
django.setup()
from django.core.management import call_command
from apps.closing.services import running, steps
name, when, month = sys.argv[1:]
if when == "inside":
    work = steps.WORK[name]
    def deadly(month):
        result = work(month)
        os.kill(os.getpid(), signal.SIGKILL)
    steps.WORK[name] = deadly
else:
    do = running.advance
    import apps.closing.services as services
    def deadly(run):
        progress = do(run)
        if progress.step == name:
            os.kill(os.getpid(), signal.SIGKILL)
        return progress
    services.advance = deadly
call_command("close_month", month, "--inline")
"""
STEPS = ("pre_check", "cut_off", "trial_balance", "lock", "statements", "finish")
POINTS = [*((name, "inside") for name in STEPS), ("lock", "after"), ("finish", "after")]


@pytest.mark.parametrize(("name", "when"), POINTS)
def test_a_killed_close_is_gone_on_with(make_merchant, month, name, when):
    merchant = make_merchant()
    books.busy_month(merchant.id, month)
    assert _killed(name, when, f"{month:%Y-%m}") == -signal.SIGKILL
    books.forget_leases()
    call_command("close_month", f"{month:%Y-%m}", "--inline")
    run = selectors.run_of(month)
    (statement,) = books.statements_of(merchant.id)
    assert (run.state, statement["status"], statement["closing"]) == ("closed", "issued", 6622)
    assert [step.state for step in selectors.steps(run)] == ["done"] * 6
    assert [row for check in CHECKS for row in check.offenders()] == []


def _killed(*words: str) -> int:
    database = settings.DATABASES["default"]
    url = f"postgres://{database['USER']}:{database['PASSWORD']}@{database['HOST']}:{database['PORT']}/{database['NAME']}"
    environment = os.environ | {"DATABASE_URL": url, "MEDIA_DIR": str(settings.MEDIA_ROOT)}
    done = subprocess.run([sys.executable, "-c", CLOSER, *words], cwd=ROOT, env=environment, timeout=60, check=False, capture_output=True)
    return done.returncode
