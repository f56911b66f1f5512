"""The product on top of the servers: prepare the database, start the Procfile, wait for /readyz."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from typing import Any

from devservices import envfile, supervisor
from devservices.errors import ProgramFailed
from devservices.files import tail, write_atomically
from devservices.layout import REPOSITORY, Layout
from devservices.programs import procfile
from devservices.watch import Watch

# Started while the database is being prepared: they do not use it.
WITHOUT_DATABASE = ("sandbox", "mailbox")
READY_PATIENCE_S = 90.0


def start(layout: Layout) -> dict[str, Any]:
    """Every program runs, /readyz is green, demo.json says how to talk to the stack; returns it."""
    names, settings = list(procfile()), envfile.read(layout)
    watch = Watch(layout, names)
    schema, mark = schema_digest(), layout.state / "prepared"
    # Where nothing can have changed, everything may start at once: half the time of a second start.
    known = mark.exists() and mark.read_text() == schema
    supervisor.start_programs(layout, names if known else WITHOUT_DATABASE)
    prepare(layout)
    write_atomically(mark, schema)
    supervisor.start_programs(layout, names)
    ready_url = f"http://127.0.0.1:{settings['PORT']}/readyz"
    watch.wait(lambda: is_green(ready_url), program="web", patience_s=READY_PATIENCE_S)
    return write_demo(layout, settings)


def schema_digest() -> str:
    """Changes with every migration and every SQL file."""
    digest = hashlib.sha256()
    for file in sorted([*REPOSITORY.glob("apps/*/migrations/*.py"), *REPOSITORY.glob("apps/*/sql/*.sql")]):
        digest.update(f"{file.relative_to(REPOSITORY)}\n".encode() + file.read_bytes())
    return digest.hexdigest()


def prepare(layout: Layout) -> None:
    """The schema is current and the demo platform exists."""
    log = layout.log("prepare")
    with log.open("wb") as output:
        done = subprocess.run(
            [sys.executable, "manage.py", "prepare", "--write", str(layout.demo_file)],
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, check=False,
            cwd=REPOSITORY, env=environment(layout),
        )  # fmt: skip
    if done.returncode != 0:
        raise ProgramFailed(f"preparing the database failed. The end of {log}:\n\n{tail(log, 40)}")


def environment(layout: Layout) -> dict[str, str]:
    """Ours with the stack's settings, for a command that talks to the stack."""
    return {**os.environ, **envfile.read(layout), "FLORIN_STATE_DIR": str(layout.state)}


def is_green(url: str) -> bool:
    """True when the page answers 200."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(url, timeout=3) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def write_demo(layout: Layout, settings: dict[str, str]) -> dict[str, Any]:
    """demo.json holds the seed's keys and where everything listens; only its owner reads it."""
    demo = json.loads(layout.demo_file.read_text()) if layout.demo_file.exists() else {}
    base = settings["PUBLIC_BASE_URL"]
    demo |= {
        "api_base": base,
        "sandbox_base": settings["SANDBOX_URL"],
        "admin_url": f"{base}/admin/",
        "mailbox": str(layout.mailbox),
        "database_url": settings["DATABASE_URL"],
        "redis_url": settings["REDIS_URL"],
        "log_dir": str(layout.logs),
    }
    write_atomically(layout.demo_file, json.dumps(demo, indent=2) + "\n")
    return demo
