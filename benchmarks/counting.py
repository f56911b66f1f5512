"""Machine instructions of a hot request, C included: the application in a process under valgrind's callgrind.

    FLORIN_STATE_DIR=.florin/bench python -m benchmarks.counting create get      (after `make bench`, whose database it uses)

Instructions do not depend on what else the machine does. They do depend on how this Python and its
libraries were built; a fixed piece of Python, counted beside, therefore is the unit that can be compared
between machines: instructions of a request / instructions of the unit.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import asked
from benchmarks.asgi import ask

WARM, TIMES = 10, 24
KINDS = ["create", "transfer", "confirm", "get", "list", "new list", "balance", "replay"]
# Asked for again and again: a list is known then. A new one is what nobody has asked for before.
_AGAIN, _NEW = ("replay", "list"), {"new list": "list"}
UNIT, NOTHING = "unit", "nothing"
_TIMEOUT_S = 600
# A counted process is fifty times slower, on a busy machine two hundred times. Its clock goes as slowly, so that what is
# looked at once a second (keys, limits, switches) is not looked at with every request.
_SLOWER = 200
# Without a fixed seed dicts of strings collide more in one run than in another. The clock that can be moved asks
# the database twice a second, which is often, for a process fifty times slower.
_SETTINGS = {"PYTHONHASHSEED": "0", "DJANGO_SETTINGS_MODULE": "config.settings.dev", "CLOCK_MAY_MOVE": "off"}


def counted(job: dict, kinds: list[str]) -> dict[str, float]:
    """Instructions of a request by kind, and those of the unit. The job is that of a load (benchmarks/asked)."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["valgrind", "--tool=callgrind", "--instr-atstart=no", "--quiet", f"--callgrind-out-file={folder}/out"]
        done = subprocess.run(
            [*command, sys.executable, "-m", "benchmarks.counting"],
            env=os.environ | _SETTINGS | {"COUNTED": json.dumps(job | {"kinds": kinds})},
            capture_output=True, text=True, timeout=_TIMEOUT_S, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise RuntimeError(f"the counted process ended with {done.returncode}: {done.stderr[-2000:]}")
        totals = _totals(Path(folder))
    return {name: (totals[name] - totals[NOTHING]) / TIMES for name in (UNIT, *kinds)}


def _totals(folder: Path) -> dict[str, int]:
    """Name of a dump → its instructions: callgrind writes a file a dump, with the name inside."""
    found: dict[str, int] = {}
    for path in folder.glob("out.*"):
        lines = path.read_text(errors="replace").splitlines()
        name = next((line.removeprefix(_TRIGGER) for line in lines if line.startswith(_TRIGGER)), None)
        if name:
            found[name] = next(int(line.split()[1]) for line in lines if line.startswith("totals: "))
    return found


_TRIGGER = "desc: Trigger: dump "


def _control(*words: str) -> None:
    """Tells the valgrind around this very process something."""
    subprocess.run(["callgrind_control", *words, str(os.getpid())], check=True, capture_output=True, timeout=60)


@contextmanager
def _counting(name: str) -> Iterator[None]:
    """Counts what is done inside, and what it costs to say so: a dump of nothing is to be taken off."""
    _control("--instr=on")
    _control("--zero")
    yield
    _control(f"--dump={name}")
    _control("--instr=off")


def _unit() -> int:
    """What Python does all day: calls, attributes, dicts and short strings; about 3.8 million instructions."""
    rows = [{"id": n, "name": f"name-{n}", "parts": [n, n + 1]} for n in range(600)]
    found = {row["name"]: sum(row["parts"]) for row in rows}
    return sum(len(name) + found[name] for name in found)


def _count_unit() -> None:
    with _counting(NOTHING):
        pass
    with _counting(UNIT):
        for _ in range(TIMES):
            _unit()


async def _count_requests(job: dict) -> None:
    from apps.core import db, http
    from apps.core.caching import kept
    from config.asgi import application

    for kind in job["kinds"]:
        targets = job["accounts"] if kind.startswith("transfer") else job["intents"]
        make, is_right = asked.KINDS[_NEW.get(kind, kind)]({"keys": job["keys"], "targets": targets, "prefix": asked.without_digits()})
        wanted = [make()] * (WARM + TIMES) if kind in _AGAIN else [make() for _ in range(WARM + TIMES)]
        for request in wanted[:WARM]:
            await ask(application, request)
        answers = []
        with _counting(kind):
            for request in wanted[WARM:]:
                if kind in _NEW:
                    kept.forget_all()
                answers.append(await ask(application, request))
        wrong = [
            (status, body)
            for request, (status, body) in zip(wanted[WARM:], answers, strict=True)
            if status != 200 or not is_right(request, body)
        ]
        if wrong:
            raise RuntimeError(f"{kind} was answered {wrong[0]}")
    await http.close()
    await db.close_lines()


def _inside() -> None:
    """The counted process."""
    import django

    _slow_down()
    django.setup()
    _count_unit()
    asyncio.run(_count_requests(json.loads(os.environ["COUNTED"])))


def _slow_down() -> None:
    """From here on time.monotonic goes 200 times slower."""
    real, begun_at = time.monotonic, time.monotonic()
    time.monotonic = lambda: begun_at + (real() - begun_at) / _SLOWER


def _show(kinds: list[str]) -> None:
    """Lays the ground, counts, prints thousands of instructions per request."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.dev")
    django.setup()
    from django.conf import settings

    from benchmarks import ground, servers

    sandbox = servers.Sandbox.start(Path(settings.STATE_DIR) / "bench-sandbox")
    try:
        # Two merchants: the first pays the others, and the second's key is known after the first request.
        laid = ground.lay().targets
        job = {"keys": laid.keys[:2], "accounts": laid.accounts[:1], "intents": laid.intents}
        for name, count in counted(job, kinds).items():
            print(f"{name:<12} {count / 1000:10,.0f} thousand instructions")
    finally:
        sandbox.stop()


if __name__ == "__main__":
    _inside() if "COUNTED" in os.environ else _show(sys.argv[1:] or KINDS)
