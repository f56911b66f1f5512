"""The product as it runs: Gunicorn with Uvicorn workers, Celery, the relay, each its own process."""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings

from tests.conftest import ROOT, free_port, wait_for

BIN = Path(sys.executable).parent
_COMMANDS = {
    "web": [str(BIN / "gunicorn"), "config.asgi:application", "-c", "gunicorn.conf.py"],
    "worker": [
        str(BIN / "celery"), "-A", "celery_app", "worker", "--queues", "relay,webhooks,mail,documents,recon,close,shadow,celery",
        "--concurrency", "2", "--loglevel", "WARNING", "--without-gossip", "--without-mingle",
    ],
    "beat": [str(BIN / "celery"), "-A", "celery_app", "beat", "-S", "django_celery_beat.schedulers:DatabaseScheduler", "--pidfile="],
    "relay": [sys.executable, "manage.py", "relay"],
}  # fmt: skip


def database_url(entry: dict) -> str:
    return "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**entry)


@dataclass
class Stack:
    """Starts the named programs against the test database; `stop` ends them all."""

    log_dir: Path
    extra: dict[str, str] = field(default_factory=dict)
    processes: dict[str, subprocess.Popen] = field(default_factory=dict)
    port: int = field(default_factory=free_port)

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def environment(self) -> dict[str, str]:
        ours = {
            "DJANGO_SETTINGS_MODULE": "config.settings.test",
            "DATABASE_URL": database_url(settings.DATABASES["default"]),
            "DATABASE_OWNER_URL": database_url(settings.OWNER_DATABASE),
            "CELERY_BROKER_URL": settings.CELERY_BROKER_URL,
            "CELERY_KEY_PREFIX": f"{settings.DATABASES['default']['NAME']}:",
            "SANDBOX_URL": settings.SANDBOX_URL,
            "EMAIL_PORT": str(settings.EMAIL_PORT),
            "PORT": str(self.port),
            "PUBLIC_BASE_URL": self.base,
            "WEB_CONCURRENCY": "2",
            "MEDIA_DIR": str(settings.MEDIA_ROOT),
        }
        return os.environ | ours | self.extra

    def start(self, *names: str) -> "Stack":
        for name in names:
            log = open(self.log_dir / f"{name}.log", "ab")
            self.processes[name] = subprocess.Popen(
                _COMMANDS[name], cwd=ROOT, env=self.environment(), stdout=log, stderr=log, start_new_session=True
            )
        if "web" in names:
            wait_for(f"{self.base}/readyz", 40)
        return self

    def kill(self, name: str) -> None:
        """SIGKILL to the program and all its children."""
        process = self.processes.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def stop(self) -> None:
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(40)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self.processes.clear()
