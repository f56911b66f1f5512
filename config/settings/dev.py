"""A developer's machine: the stack of `make run`."""

from config.settings.base import *
from config import env

CLOCK_MAY_MOVE = env.flag("CLOCK_MAY_MOVE", True)
SHADOW_READ_PERCENT = env.share("SHADOW_READ_PERCENT", 1.0)
SHADOW_WRITE_PERCENT = env.share("SHADOW_WRITE_PERCENT", 1.0)
WEBHOOK_ALLOW_PRIVATE = env.flag("WEBHOOK_ALLOW_PRIVATE", True)
