"""The verbs: run, up, down, status, services-up, services-down, env, logs, destroy."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

from devservices import application, envfile, follow, layout, report, stack, supervisor
from devservices.errors import StackError
from devservices.layout import Layout
from devservices.programs import procfile


def run(chosen: Layout, arguments: argparse.Namespace) -> int:
    """The stack lives as long as this command: Ctrl-C, TERM or a closed terminal stops all of it."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        code = up(chosen, arguments)
        if code == 0:
            print("Ctrl-C stops everything. The logs follow.\n", flush=True)
            follow.follow(chosen, procfile())
        return code
    except KeyboardInterrupt:
        print("\nstopping …", flush=True)
        return 0
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        down(chosen, arguments)


def up(chosen: Layout, arguments: argparse.Namespace) -> int:
    """The whole stack is ready; or nothing of it runs and the reason was shown."""
    started = time.monotonic()
    with stack.exclusively(chosen), stack.all_or_nothing(chosen):
        plan = stack.start_servers(chosen)
        listening = ", ".join(f"{name} 127.0.0.1:{plan.ports[name]}" for name in plan.servers)
        _say(started, f"servers ready ({listening or 'given by the environment'})")
        if application.stop_outdated(chosen):
            _say(started, "the code or the settings have changed since the programs started: they start anew, on the same data")
        demo = application.start(chosen)
    _say(started, "ready")
    print(report.where_to_look(demo, chosen), flush=True)
    return 0


def down(chosen: Layout, arguments: argparse.Namespace) -> int:
    """No process of the stack lives; its data stay."""
    with stack.exclusively(chosen):
        stack.stop(chosen)
    print("stopped", flush=True)
    return 0


def services_up(chosen: Layout, arguments: argparse.Namespace) -> int:
    """PostgreSQL and Redis are ready, nothing else was started."""
    started = time.monotonic()
    with stack.exclusively(chosen), stack.all_or_nothing(chosen):
        plan = stack.start_servers(chosen)
    for name in plan.servers:
        _say(started, f"{name} 127.0.0.1:{plan.ports[name]}")
    return 0


def status(chosen: Layout, arguments: argparse.Namespace) -> int:
    """Exit code 0 when every program runs, 3 when the stack is down or incomplete."""
    if not supervisor.is_alive(chosen):
        print(f"down ({chosen.state})")
        return 3
    infos = supervisor.program_states(chosen)
    print(report.states(infos))
    return 0 if all(info["statename"] == "RUNNING" for info in infos.values()) else 3


def env(chosen: Layout, arguments: argparse.Namespace) -> int:
    """The stack's settings as KEY=VALUE lines."""
    for name, value in envfile.read(chosen).items():
        print(f"{name}={value}")
    return 0


def logs(chosen: Layout, arguments: argparse.Namespace) -> int:
    """The end of the logs, then what is added until Ctrl-C."""
    names = arguments.programs or list(procfile())
    follow.show(chosen, names, arguments.lines)
    with suppress(KeyboardInterrupt):
        if not arguments.no_follow:
            follow.follow(chosen, names)
    return 0


def destroy(chosen: Layout, arguments: argparse.Namespace) -> int:
    """The stack and its data are gone, those of stacks inside its directory (tests, benchmarks) too."""
    for nested in chosen.state.glob("*/secrets.json"):
        destroy(Layout(nested.parent), arguments)
    if chosen.state.exists():
        down(chosen, arguments)
        shutil.rmtree(chosen.runtime, ignore_errors=True)
        shutil.rmtree(chosen.state)
    return 0


VERBS: dict[str, Callable[[Layout, argparse.Namespace], int]] = {
    "run": run,
    "up": up,
    "down": down,
    "status": status,
    "services-up": services_up,
    "services-down": down,
    "env": env,
    "logs": logs,
    "destroy": destroy,
}


def main() -> int:
    """Runs one verb; an expected failure is told in words, without a traceback."""
    parser = argparse.ArgumentParser(prog="python -m devservices", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for name, verb in VERBS.items():
        verbs.add_parser(name, help=(verb.__doc__ or "").splitlines()[0])
    verbs.choices["logs"].add_argument("programs", nargs="*", help="default: all of the Procfile")
    verbs.choices["logs"].add_argument("--lines", type=int, default=20)
    verbs.choices["logs"].add_argument("--no-follow", action="store_true")
    arguments = parser.parse_args()
    try:
        return VERBS[arguments.verb](layout.current(), arguments)
    except StackError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _say(started: float, text: str) -> None:
    print(f"{time.monotonic() - started:6.1f} s  {text}", flush=True)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
