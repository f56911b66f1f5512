"""`python -m benchmarks.growth`: is it as fast with ten million payments as with a hundred thousand?

    FLORIN_STATE_DIR=.florin/bench python -m benchmarks.growth --load 100000,10000000

Each history (benchmarks/history) is a database of its own on the same server; `--load` makes those that are
not there yet, which takes an hour and 45 GB for ten million, and they stay. Without it, the databases are
measured that have a whole history, whoever loaded it. The hot endpoints of all take turns, as the contenders
of the other benchmarks do.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from urllib.parse import urlsplit, urlunsplit

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.dev")
django.setup()

import psutil  # noqa: E402  (Django must be set up first)
import psycopg  # noqa: E402
from django.conf import settings  # noqa: E402
from psycopg import sql  # noqa: E402

from benchmarks import arena, figures, machine  # noqa: E402
from benchmarks.contenders import Contender, Targets  # noqa: E402
from benchmarks.rounds import Bench, Plan, say  # noqa: E402
from benchmarks.servers import HOT  # noqa: E402
from benchmarks.suite import Turn, ratio  # noqa: E402
from config import env  # noqa: E402
from scripts.lints.base import ROOT  # noqa: E402

KINDS = ("create", "transfer", "get", "list", "balance")
CONNECTIONS = 32
# The histories share one server's memory: whoever has just been asked has pushed out the pages of the others.
SETTLE_S = 2.5
MUST, STRETCH = 0.9, 0.98
# On disk: a payment with all that hangs on it, and what the server needs beside (its log, sorting).
BYTES, SPARE = 4_500, 2 * 2**30
_TARGETS = "import django; django.setup(); import json; from benchmarks import history; print(json.dumps(vars(history.targets())))"


def main() -> int:
    options = _options()
    if lack := _lack(options.load):
        sys.exit(lack)
    if options.room:
        return 0
    for payments in options.load:
        _load(payments)
    found = dict(sorted(histories().items()))
    if len(found) < 2:
        sys.exit(f"two histories are needed, there are {len(found)}: --load 100000,10000000")
    with arena.opened() as ring:
        bench = Bench(ring.yard, ring.sandbox, Plan(options.rounds, options.seconds, time.monotonic() + options.minutes * 60))
        names = {payments: f"{payments:,} payments" for payments in found}
        for nth, (payments, database) in enumerate(found.items(), 1):
            ring.yard.known[names[payments]] = _contender(names[payments], database, nth)
            bench.databases[names[payments]] = database
        rounds = bench.run(tuple(Turn(kind, CONNECTIONS, tuple(names.values()), settle_s=SETTLE_S) for kind in KINDS))
    _write(bench, rounds, names)
    for fault in bench.faults:
        print(f"WRONG: {fault}", file=sys.stderr)
    return int(bool(bench.faults))


def histories() -> dict[int, str]:
    """Number of payments → database, of those whose history is whole."""
    found = {}
    with psycopg.connect(settings.DATABASE_OWNER_DSN, dbname="postgres") as server:
        names = [name for (name,) in server.execute("SELECT datname FROM pg_database WHERE NOT datistemplate AND datallowconn")]
    for name in names:
        with psycopg.connect(settings.DATABASE_OWNER_DSN, dbname=name) as owner:
            if owner.execute("SELECT to_regclass('public.bench_history')").fetchone() == (None,):
                continue
            row = owner.execute("SELECT payments FROM bench_history WHERE chunks * chunk >= payments").fetchone()
            found |= {row[0]: name} if row else {}
    return found


def _lack(load: list[int]) -> str:
    """Why what is still to be loaded does not fit on the database's disk; nothing if it does, or if that cannot be seen."""
    with psycopg.connect(settings.DATABASE_OWNER_DSN, dbname="postgres") as server:
        has = dict(server.execute("SELECT datname, pg_database_size(datname) FROM pg_database WHERE datname LIKE 'florin_history_%'"))
    try:
        # It works where its data is.
        folder = psutil.Process(machine.postgres_pid()).cwd()
    except (psutil.Error, ValueError):
        return ""
    needed = sum(max(0, payments * BYTES - has.get(f"florin_history_{payments}", 0)) for payments in load)
    free = shutil.disk_usage(folder).free - SPARE
    if needed <= free:
        return ""
    return f"histories of {load} payments need {needed / 1e9:.1f} GB more, {free / 1e9:.1f} GB are free in {folder}"


def _load(payments: int) -> None:
    """A database with that history; goes on where it was left."""
    database = f"florin_history_{payments}"
    with psycopg.connect(settings.DATABASE_OWNER_DSN, dbname="postgres", autocommit=True) as server:
        if server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone() is None:
            server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
    say(f"a history of {payments:,} payments in {database}")
    command = [sys.executable, "-m", "benchmarks.history", "--payments", str(payments)]
    subprocess.run(command, cwd=ROOT, env=os.environ | _urls(database), check=True)


def _contender(name: str, database: str, number: int) -> Contender:
    """Florin on that database, with a Redis database of its own: the histories have the same merchants."""
    redis = urlunsplit(urlsplit(settings.REDIS_URL)._replace(path=f"/{number}"))
    more = _urls(database) | {"REDIS_URL": redis}
    return replace(HOT, name=name, prepare=lambda _: _targets(database), settings=HOT.settings | more)


def _targets(database: str) -> Targets:
    environment = os.environ | _urls(database) | {"DJANGO_SETTINGS_MODULE": "config.settings.dev"}
    done = subprocess.run([sys.executable, "-c", _TARGETS], cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return Targets(**json.loads(done.stdout.splitlines()[-1]))


def _urls(database: str) -> dict[str, str]:
    urls = {name: env.text(name) for name in ("DATABASE_URL", "DATABASE_OWNER_URL")}
    return {name: urlunsplit(urlsplit(url)._replace(path=f"/{database}")) for name, url in urls.items()}


def _write(bench: Bench, rounds: int, names: dict[int, str]) -> None:
    least, most = names[min(names)], names[max(names)]
    made = []
    for kind in KINDS:
        of = ratio(f"{kind}, {CONNECTIONS} connections", least, ours=most)
        one = figures.over_rounds(f"growth, {kind}: rate with {most} against {least}", "share", of, bench.samples)
        made += [one | {"must": MUST, "stretch": STRETCH}] if one else []
    figures.save(figures.RESULTS / "growth.json", "Growth", rounds, [*made, *figures.plain(bench.samples), *figures.about(bench)])
    say(f"{figures.RESULTS / 'growth.json'} written")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--load", type=lambda text: [int(word) for word in text.split(",")], default=[], metavar="PAYMENTS,…")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.6, help="of each measurement")
    parser.add_argument("--minutes", type=float, default=10.0, help="after these no further round is begun")
    parser.add_argument("--room", action="store_true", help="only look whether what is to be loaded fits on the disk")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
