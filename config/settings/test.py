"""The test suite: real services on their own ports, small pools, no waiting."""

from config import env
from config.settings.base import *

CLOCK_MAY_MOVE = True
WEBHOOK_ALLOW_PRIVATE = True
# The whole suite comes from one address.
FAILURES_PER_ADDRESS = env.number("FAILURES_PER_ADDRESS", 1_000_000)
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
