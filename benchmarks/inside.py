"""Where the CPU time of a hot request goes, function by function: the application in this process, fed
with ASGI scopes, without a server and a socket in front.

    FLORIN_STATE_DIR=.florin/bench python -m benchmarks.inside create get [--profile 40]

Prints the least CPU µs per request of several rounds; with `--profile N` also cProfile's N most
expensive functions (which makes everything about twice as slow; shares count, not times). With `--forget`
nothing of what a request read is known to the next.
"""

import argparse
import asyncio
import cProfile
import os
import pstats
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.dev")
os.environ |= {"RATE_LIMIT_PER_KEY": "1000000", "RATE_LIMIT_PER_MERCHANT": "1000000"}
django.setup()

import uvloop  # noqa: E402
from django.conf import settings  # noqa: E402  (Django must be set up first)

from benchmarks import asked, ground, servers  # noqa: E402
from benchmarks.asgi import ask  # noqa: E402

CONNECTIONS = 32


async def _round(application: Callable, make: Callable[[], bytes], requests: int, *, forget: bool) -> float:
    """CPU µs per request."""
    from apps.core.caching import kept

    left = requests

    async def client() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            if forget:
                kept.forget_all()
            status, _ = await ask(application, make())
            if status != 200:
                raise RuntimeError(f"answered {status}")

    began = time.process_time()
    await asyncio.gather(*(client() for _ in range(CONNECTIONS)))
    return (time.process_time() - began) * 1e6 / requests


async def _measure(options: argparse.Namespace, laid: ground.Ground) -> None:
    from apps.core import db, http
    from config.asgi import application

    for kind in options.kinds:
        targets = laid.targets.accounts if kind.startswith("transfer") else laid.targets.intents
        make, _ = asked.KINDS[kind]({"keys": laid.targets.keys, "targets": targets, "prefix": uuid.uuid4().hex})
        await _round(application, make, 200, forget=options.forget)
        taken = [await _round(application, make, options.requests, forget=options.forget) for _ in range(options.rounds)]
        print(f"{kind:<12} {min(taken):6.0f} µs (most {max(taken):.0f})", flush=True)
        if options.profile:
            profile = cProfile.Profile(time.process_time)
            profile.enable()
            await _round(application, make, options.requests, forget=options.forget)
            profile.disable()
            pstats.Stats(profile).sort_stats("tottime").print_stats(options.profile)
    await http.close()
    await db.close_lines()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.inside", description=__doc__)
    parser.add_argument("kinds", nargs="+", choices=asked.KINDS)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--profile", type=int, default=0, metavar="N")
    parser.add_argument("--forget", action="store_true")
    options = parser.parse_args()
    sandbox = servers.Sandbox.start(Path(settings.STATE_DIR) / "bench-sandbox")
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_measure(options, ground.lay()))
    finally:
        sandbox.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
