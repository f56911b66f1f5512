"""What may be asked of `python -m benchmarks`, and what pgbench is given."""

import subprocess
import sys

import psycopg
import pytest
from django.conf import settings

from benchmarks import ground
from tests.conftest import ROOT


@pytest.mark.parametrize(
    "asked", ["--parts foo", "--only creat", "--connections 7", "--rounds 0", "--minutes nan", "--only replay --connections 5000"]
)
def test_what_cannot_be_measured_is_refused_before_anything_starts(asked: str) -> None:
    done = subprocess.run([sys.executable, "-m", "benchmarks", *asked.split()], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode in (1, 2)
    assert "Traceback" not in done.stderr
    assert "laying the ground" not in done.stderr


def test_every_command_of_pgbench_has_ids_of_its_own(database: str) -> None:
    template = '{"id": "%1$s", "for": "100 %%", "events": ["%2$s", "%1$s"]}'
    with psycopg.connect(settings.DATABASE_OWNER_DSN, dbname=database) as owner:
        owner.execute(ground._SQL)
        owner.cursor().executemany("INSERT INTO bench_command VALUES ('try', %s, %s)", [(nth, template) for nth in range(1, 20)])
        owner.execute(ground.fresh_commands("try", 2).encode())
        made = [one for _ in range(3) for one in owner.execute("SELECT bench_fresh_try(16)").fetchone()[0]]
        owner.rollback()
    ids = {id for one in made for id in (one["id"], one["events"][0])}
    assert (len(made), len(ids), {len(one) for one in ids}) == (48, 96, {36})
    assert all(one["events"][1] == one["id"] and one["for"] == "100 %" for one in made)
