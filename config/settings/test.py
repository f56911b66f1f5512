"""The test suite: real services on their own ports, small pools, no waiting."""

from config.settings.base import *

CLOCK_MAY_MOVE = True
WEBHOOK_ALLOW_PRIVATE = True
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
