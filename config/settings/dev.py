"""A developer's machine: the stack of `make run`."""

from config.settings.base import *
from config import env

CLOCK_MAY_MOVE = env.flag("CLOCK_MAY_MOVE", True)
WEBHOOK_ALLOW_PRIVATE = env.flag("WEBHOOK_ALLOW_PRIVATE", True)
