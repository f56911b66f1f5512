#!/usr/bin/env python
"""Django's command line, talking to the running stack (config/env.py)."""

import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.dev")
    os.environ.setdefault("JOBS", "1")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
