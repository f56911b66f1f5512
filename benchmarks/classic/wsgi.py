"""What Gunicorn's workers run."""

import os

from django.core.wsgi import get_wsgi_application

os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.classic.settings"
application = get_wsgi_application()
