"""A large file takes time, not memory."""

import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT

# Run in a process of its own; prints what came out, by how much memory (KiB) grew at most, and the speed.
MEASURE = """
import time
import django
import psutil
django.setup()
from apps.reconciliation.parsers import {parser} as parser
from tests.reconciliation.files import {names}

data = {build}
list(parser.parse({build_small}))
memory = psutil.Process().memory_info
before, most, count, began = memory().rss, 0, 0, time.process_time()
for item in parser.parse(data):
    count += 1
    if count % 500 == 0:
        most = max(most, memory().rss - before)
print(count, most // 1024, round(count / (time.process_time() - began)), len(data))
"""


def measure(parser: str, names: str, build: str) -> tuple[int, int, int, int]:
    """(items, KiB of memory more, items a second of processor time, bytes of the file)."""
    script = MEASURE.format(parser=parser, names=names, build=build.format(n=50_000), build_small=build.format(n=10))
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings.test", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return tuple(int(figure) for figure in done.stdout.split())  # type: ignore[return-value]


@pytest.mark.slow
def test_a_statement_is_parsed_in_constant_memory() -> None:
    build = "camt(Stmt(entries=[Entry(reference='po_1', text='payout').xml() + '\\n'] * {n}))"
    items, more, speed, size = measure("camt053", "Entry, Stmt, camt", build)
    assert items == 50_001
    assert more * 1024 < 0.2 * size, f"{more} KiB more for {size} bytes: entries are kept after they were read"
    assert speed > 3_000


@pytest.mark.slow
def test_a_settlement_report_is_parsed_in_constant_memory() -> None:
    items, more, speed, size = measure("settlement_csv", "Line, settlement", "settlement(*([Line().text()] * {n}))")
    assert items == 50_001
    assert more * 1024 < 0.2 * size, f"{more} KiB more for {size} bytes: lines are kept after they were read"
    assert speed > 20_000
