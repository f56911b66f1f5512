"""Settings of a worker whose classic path is wrong."""

from config.settings.test import *  # noqa: F403  (settings are made this way)

ROOT_URLCONF = "tests.cutover.odd_urls"
