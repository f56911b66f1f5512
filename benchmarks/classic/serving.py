"""Gunicorn as its documentation starts it; named so that the product's own configuration is not taken."""

import os

workers = int(os.environ.get("WEB_CONCURRENCY") or 2)
worker_class = "sync"
loglevel = "error"
control_socket_disable = True
