"""Where everything is measured: a migrated database, the ground laid on it, the sandbox, and a yard for servers."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.core.management import call_command

from benchmarks import contenders, ground
from benchmarks.servers import Sandbox, Yard


@dataclass(frozen=True)
class Arena:
    yard: Yard
    sandbox: Sandbox
    laid: ground.Ground


@contextmanager
def opened() -> Iterator[Arena]:
    """All of it runs inside and is gone afterwards; what was written stays in the database."""
    os.environ.setdefault("WEB_CONCURRENCY", "2")
    # Told to stop, it still takes its servers down.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    data = Path(settings.STATE_DIR)
    call_command("prepare", "--database-only", verbosity=0)
    sandbox = Sandbox.start(data / "bench-sandbox")
    yard = None
    try:
        laid = ground.lay()
        ground.install_commands(laid)
        yard = Yard(laid.targets, data)
        yield Arena(yard, sandbox, laid)
    finally:
        if yard:
            yard.close()
        sandbox.stop()
        contenders.clean()
