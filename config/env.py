"""Settings come from the environment (12-factor).

On a developer's machine the running stack writes its addresses into `<state dir>/env`; they stand
in for variables that are not set, so that `manage.py` talks to that stack without further settings.
"""

import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).resolve().parent.parent
# They say how to use DATABASE_URL: the stack's are of no use to somebody who names another database.
OF_THE_DATABASE = {
    "DATABASE_POOLED", "DATABASE_PREPARE", "DATABASE_DIRECT_URL", "HOT_DATABASE_URL", "HOT_PREPARE",
    "DATABASE_JOBS_USER", "DATABASE_JOBS_PASSWORD",
}  # fmt: skip


def state_dir() -> Path:
    return Path(os.environ.get("FLORIN_STATE_DIR") or ROOT / ".florin")


def load_state_env() -> None:
    """Reads KEY=VALUE lines of the state's env file into variables that are not set."""
    path = state_dir() / "env"
    if not path.is_file():
        return
    foreign = OF_THE_DATABASE if "DATABASE_URL" in os.environ else set()
    for line in path.read_text(encoding="utf-8").splitlines():
        name, separator, value = line.partition("=")
        if separator and not name.startswith("#") and name not in foreign:
            os.environ.setdefault(name.strip(), value.strip())


class Missing(RuntimeError):
    """A setting without a default is not in the environment."""


def text(name: str, default: str | None = None) -> str:
    value = os.environ.get(name) or default
    if value is None:
        raise Missing(f"{name} is not set (see docs/settings.md)")
    return value


def given(name: str) -> bool:
    return bool(os.environ.get(name))


def number(name: str, default: int) -> int:
    return int(os.environ.get(name) or default)


def seconds(name: str, default: float) -> float:
    return float(os.environ.get(name) or default)


def share(name: str, default: float) -> float:
    """A percentage, 0 to 100."""
    percent = float(os.environ.get(name) or default)
    if not 0 <= percent <= 100:
        raise ValueError(f"{name} is no percentage: {percent}")
    return percent


def flag(name: str, default: bool) -> bool:
    value = os.environ.get(name)
    return default if not value else value.lower() in {"1", "true", "yes", "on"}


def words(name: str, default: str = "") -> list[str]:
    return [word.strip() for word in (os.environ.get(name) or default).split(",") if word.strip()]


def database(url: str) -> dict[str, object]:
    """Django's DATABASES entry for `postgres://user:password@host:port/name`."""
    parts = urlsplit(url)
    return {
        "ENGINE": "apps.core.db.engine",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or 5432),
    }


def dsn(entry: dict[str, object]) -> str:
    """The libpq connection string for a DATABASES entry."""
    from psycopg.conninfo import make_conninfo

    names = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}
    return make_conninfo(**{theirs: str(entry[ours]) for ours, theirs in names.items() if entry.get(ours)})
