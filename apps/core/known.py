"""Django's settings without the lazy object around them: a look through it costs a microsecond, and a hot
request looks some ten times.

    from apps.core import known
    known.settings.HOT_QUEUE
"""

from typing import Any, Protocol, cast

from django import conf
from django.core.signals import setting_changed


class Settings(Protocol):
    """Those that hot requests look at; what each means says config/settings/base."""

    ALLOWED_HOSTS: list[str]
    CLOCK_MAY_MOVE: bool
    GATEWAY_DEADLINE_S: float
    HOT_QUEUE: int
    HOT_ROUTES: bool
    HOT_WAIT_S: float
    LEDGER_TIME_ZONE: str
    REDIS_URL: str
    REPLAYS_KEPT_S: int
    SANDBOX_URL: str


def _inside() -> Settings:
    """What the lazy object reads from, and writes to. It is another one only while settings are overridden."""
    _ = conf.settings.DEBUG  # is set up by the first look
    return cast(Settings, conf.settings._wrapped)  # type: ignore[misc]  # not in the stubs


settings = _inside()


def _look_again(**_: Any) -> None:
    global settings
    settings = _inside()


setting_changed.connect(_look_again)
