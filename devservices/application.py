"""The product on top of the servers: prepare the database, start the Procfile, wait for /readyz."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from devservices import envfile, supervisor
from devservices.errors import ProgramFailed
from devservices.files import tail, write_atomically
from devservices.layout import REPOSITORY, Layout
from devservices.programs import procfile
from devservices.watch import Watch

# Started while the database is being prepared: they do not use it.
WITHOUT_DATABASE = ("sandbox", "mailbox")
READY_PATIENCE_S = 120.0


def start(layout: Layout) -> dict[str, Any]:
    """Every program runs, /readyz is green, demo.json says how to talk to the stack; returns it."""
    settings, mark = envfile.read(layout), layout.state / "verified"
    digest, loading = product_digest(settings["DATABASE_URL"]), program_digest(settings)
    if mark.exists() and mark.read_text() == digest and layout.demo_file.exists():
        _start_known(layout, settings)
    else:
        _start_new(layout, settings)
    write_atomically(mark, digest)
    write_atomically(_loaded(layout), loading)
    return write_demo(layout, settings)


def stop_outdated(layout: Layout) -> bool:
    """No program runs with other code or settings than there are now; True if any did. They drain as in any stop."""
    running = [name for name in procfile() if supervisor.program_states(layout).get(name, {}).get("statename") in supervisor.RUNNING]
    loaded = _loaded(layout)
    if not running or (loaded.exists() and loaded.read_text() == program_digest(envfile.read(layout))):
        return False
    supervisor.stop_programs(layout, running)
    return True


def _loaded(layout: Layout) -> Path:
    """Says what the programs that run were started with."""
    return layout.state / "loaded"


def program_digest(settings: Mapping[str, str]) -> str:
    """Changes with whatever a program has read when it started: code, templates, settings."""
    digest = hashlib.sha256(json.dumps(dict(settings), sort_keys=True).encode())
    folders = (REPOSITORY / name for name in ("apps", "config", "sandbox", "devservices"))
    files = [file for folder in folders for file in folder.rglob("*") if file.suffix in {".py", ".sql", ".html"}]
    for file in sorted([*files, *(REPOSITORY / name for name in ("celery_app.py", "gunicorn.conf.py", "manage.py", "Procfile"))]):
        digest.update(f"{file.relative_to(REPOSITORY)}\n".encode() + file.read_bytes())
    return digest.hexdigest()


def product_digest(database_url: str) -> str:
    """Changes with the code, the database and the month: with whatever preparing could have to do."""
    digest = hashlib.sha256(f"{database_url} {datetime.now(UTC):%Y-%m}\n".encode())
    files = (path for folder in ("apps", "config") for path in (REPOSITORY / folder).rglob("*"))
    for file in sorted(file for file in files if file.suffix in {".py", ".sql"}):
        digest.update(f"{file.relative_to(REPOSITORY)}\n".encode() + file.read_bytes())
    return digest.hexdigest()


def _start_known(layout: Layout, settings: dict[str, str]) -> None:
    """What ran before with this code and database: web has the processors to itself until it is ready."""
    first = ("web", *WITHOUT_DATABASE)
    watch = Watch(layout, first)
    supervisor.start_programs(layout, first)
    watch.wait(lambda: is_green(settings), program="web", patience_s=READY_PATIENCE_S)
    supervisor.start_programs(layout, procfile())


def _start_new(layout: Layout, settings: dict[str, str]) -> None:
    """New code or a new database: prepared first, and every program is watched while it starts."""
    watch = Watch(layout, procfile())
    supervisor.start_programs(layout, WITHOUT_DATABASE)
    prepare(layout)
    supervisor.start_programs(layout, procfile())
    watch.wait(lambda: is_green(settings), program="web", patience_s=READY_PATIENCE_S)


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


def is_green(settings: dict[str, str]) -> bool:
    """True when web says that it can take payments."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(f"http://127.0.0.1:{settings['PORT']}/readyz", timeout=3) as answer:
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
