"""`python -m benchmarks`: Florin and its rivals, in turns, on one machine. docs/benchmarks.md tells how.

With --only, --connections or fewer than three rounds nothing is recorded: the figures go to the state directory,
and what is recorded stays as it is until a part has been measured to its end.
"""

import argparse
import math
import os
import sys
import time
from collections.abc import Callable
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

# Fewer rounds have no median worth recording.
LEAST_ROUNDS = 3
_ALL = {"parts": tuple(suite.PARTS), "only": suite.KINDS, "connections": tuple(str(many) for many in suite.CONNECTIONS)}


def main() -> int:
    options = _options()
    parts = _parts(options)
    for part in parts:
        _announce(part, options)
    say("laying the ground")
    try:
        faults = _measured(parts, options)
    except KeyboardInterrupt:
        say("interrupted: all that was started is stopped, what was recorded before is as it was")
        return 130
    for fault in faults:
        print(f"WRONG: {fault}", file=sys.stderr)
    return int(bool(faults))


def _measured(parts: list[suite.Part], options: argparse.Namespace) -> list[str]:
    """What was wrong with the books."""
    with arena.opened() as ring:
        faults = [fault for part in parts for fault in _measure(part, ring, options, is_first=part is parts[0])]
        say("auditing")
        call_command("audit")
    return faults


def _announce(part: suite.Part, options: argparse.Namespace) -> None:
    """What will be done, how long it takes, and where it goes."""
    many, took = sum(len(turn.who) for turn in part.turns), part.round_s(options.seconds) / 60
    fit = min(options.rounds, max(1, int(options.minutes / took)))
    say(f"{part.title}: {many} measurements a round, about {took:.1f} min on a quiet machine; {fit} of {options.rounds} rounds fit")
    say(f"    into {options.minutes:g} min, after which none is begun; goes to {_file(part, options)}")


def _measure(part: suite.Part, ring: arena.Arena, options: argparse.Namespace, *, is_first: bool) -> list[str]:
    say(part.title)
    bench = Bench(ring.yard, ring.sandbox, Plan(options.rounds, options.seconds, time.monotonic() + options.minutes * 60))
    if not options.only and is_first:  # later ones meet workers that have worked
        bench.samples["idle", HOT.name] = _resident(bench, wait_s=1)
    rounds = bench.run(part.turns)
    if not options.only:
        bench.samples["worked", HOT.name] = _resident(bench)
    if any(turn.kind == "replay" for turn in part.turns):
        _replays(bench)
    file = _file(part, options, rounds)
    figures.write(part, bench, rounds, to=file)
    say(f"{file} written" + ("; `make docs` makes the page of it" if file.parent == figures.RESULTS else ": a trial, recorded nowhere"))
    return bench.faults


def _file(part: suite.Part, options: argparse.Namespace, rounds: int | None = None) -> Path:
    """Where the figures go; `rounds` are those that were made, once that is known."""
    name = f"{part.name}-{options.beside}.json" if options.beside else f"{part.name}.json"
    few = (options.rounds if rounds is None else rounds) < LEAST_ROUNDS
    is_trial = options.only or options.connections or few
    return Path(settings.STATE_DIR) / f"trial-{name}" if is_trial else figures.RESULTS / name


def _resident(bench: Bench, wait_s: float = 0) -> list[dict | None]:
    """What each of the workers occupies."""
    try:
        server = bench.yard.server(HOT.name)
    except NotStarted as error:
        say(str(error))
        return []
    time.sleep(wait_s)
    return [{"resident": resident} for resident in machine.resident_mb(server.pid)]


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
    """What is to be measured, each with the turns that were chosen; ends where there are none."""
    kinds, many = options.only or _ALL["only"], options.connections or _ALL["connections"]
    found = []
    for part in (suite.PARTS[name] for name in options.parts):
        turns = tuple(turn for turn in part.turns if turn.kind in kinds and str(turn.connections) in many)
        found += [replace(part, turns=turns)] if turns else []
    if not found:
        sys.exit(f"none of {','.join(options.parts)} has {','.join(kinds)} with {','.join(many)} connections")
    return found


def _some(name: str) -> Callable[[str], list[str]]:
    """Words with commas between them, each one known; `all` is all of them."""

    def chosen(text: str) -> list[str]:
        words = list(_ALL[name]) if text == "all" else text.split(",")
        if unknown := [word for word in words if word not in _ALL[name]]:
            raise argparse.ArgumentTypeError(f"there is no {','.join(unknown)}: choose of {','.join(_ALL[name])}")
        return words

    return chosen


def _positive(kind: type[int] | type[float]) -> Callable[[str], float]:
    def number(text: str) -> float:
        if not 0 < (value := kind(text)) < math.inf:
            raise argparse.ArgumentTypeError(f"{text} is not above 0")
        return value

    return number


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--parts", type=_some("parts"), default="targets", help=f"all, or some of {','.join(suite.PARTS)} (default: targets)"
    )
    parser.add_argument("--only", type=_some("only"), help=f"some of {','.join(suite.KINDS)}")
    parser.add_argument("--connections", type=_some("connections"), help=f"some of {','.join(_ALL['connections'])}")
    parser.add_argument("--rounds", type=_positive(int), default=5)
    parser.add_argument("--seconds", type=_positive(float), default=1.6, help="of each measurement (twice that for the slow ones)")
    parser.add_argument("--minutes", type=_positive(float), default=8.0, help="for a part; after these no further round is begun")
    parser.add_argument("--beside", default="", metavar="NAME", help="written to <part>-NAME.json, beside what is recorded")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
