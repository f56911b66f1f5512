"""`python -m benchmarks`: Florin and its rivals, in turns, on one machine. docs/benchmarks.md tells how.

With --only or --connections nothing is recorded: the figures go to the state directory.
"""

import argparse
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.dev")
django.setup()

from django.conf import settings  # noqa: E402  (Django must be set up first)
from django.core.management import call_command  # noqa: E402

from benchmarks import arena, figures, machine, replays, suite  # noqa: E402
from benchmarks.rounds import Bench, Plan, say  # noqa: E402
from benchmarks.servers import HOT, NotStarted  # noqa: E402


def main() -> int:
    options = _options()
    say("laying the ground")
    with arena.opened() as ring:
        faults = [fault for part in _parts(options) for fault in _measure(part, ring, options)]
        say("auditing")
        call_command("audit")
    for fault in faults:
        print(f"WRONG: {fault}", file=sys.stderr)
    return int(bool(faults))


def _measure(part: suite.Part, ring: arena.Arena, options: argparse.Namespace) -> list[str]:
    say(part.title)
    bench = Bench(ring.yard, ring.sandbox, Plan(options.rounds, options.seconds, time.monotonic() + options.minutes * 60))
    if not options.only:
        _idle(bench)
    rounds = bench.run(part.turns)
    if any(turn.kind == "replay" for turn in part.turns):
        _replays(bench)
    say(f"{figures.write(part, bench, rounds, to=_file(part, options))} written; `make docs` makes the page of it")
    return bench.faults


def _file(part: suite.Part, options: argparse.Namespace) -> Path:
    name = f"{part.name}-{options.beside}.json" if options.beside else f"{part.name}.json"
    is_trial = options.only or options.connections
    return Path(settings.STATE_DIR) / f"trial-{name}" if is_trial else figures.RESULTS / name


def _idle(bench: Bench) -> None:
    """What the workers occupy after their start."""
    try:
        server = bench.yard.server(HOT.name)
    except NotStarted as error:
        say(str(error))
        return
    time.sleep(1)
    bench.samples["idle", HOT.name] = [{"resident": resident} for resident in machine.resident_mb(server.pid)]


def _replays(bench: Bench) -> None:
    say("counting the replays that need the database")
    try:
        found = replays.share(bench)
    except (NotStarted, RuntimeError) as error:
        say(str(error))
        return
    if found is not None:
        bench.samples["replays", HOT.name] = [{"without database": found}]
        say(f"    {found:.1%} of replays without the database")


def _parts(options: argparse.Namespace) -> list[suite.Part]:
    names = options.parts.split(",") if options.parts != "all" else list(suite.PARTS)
    chosen = [suite.PARTS[name] for name in names]
    kinds = options.only.split(",") if options.only else suite.KINDS
    many = [int(word) for word in options.connections.split(",")] if options.connections else suite.CONNECTIONS
    return [replace(part, turns=tuple(one for one in part.turns if one.kind in kinds and one.connections in many)) for part in chosen]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--parts", default="targets", help=f"all, or some of {','.join(suite.PARTS)} (default: targets)")
    parser.add_argument("--only", default="", help=f"some of {','.join(suite.KINDS)}")
    parser.add_argument("--connections", default="", help="some of 1,32,256,1000,5000")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.6, help="of each measurement (twice that for the slow ones)")
    parser.add_argument("--minutes", type=float, default=8.0, help="for a part; after these no further round is begun")
    parser.add_argument("--beside", default="", metavar="NAME", help="written to <part>-NAME.json, beside what is recorded")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
