"""Celery's settings."""

from django.conf import settings

broker_url = settings.CELERY_BROKER_URL
task_serializer = "json"
accept_content = ["json"]
task_ignore_result = True
enable_utc = True
timezone = "UTC"

task_acks_late = True
task_reject_on_worker_lost = True
worker_prefetch_multiplier = 1
task_time_limit = 1500
task_soft_time_limit = 1440
worker_max_tasks_per_child = 5000
worker_hijack_root_logger = False
worker_soft_shutdown_timeout = 30
worker_cancel_long_running_tasks_on_connection_loss = False
worker_send_task_events = False

broker_connection_retry_on_startup = True
broker_connection_max_retries = None
broker_transport_options = {
    # Longer than any task may run; unacknowledged messages of dead workers are looked for each second.
    "visibility_timeout": 1800,
    "unacked_restore_interval": 1,
    "unacked_restore_throttle": 1,
    "socket_timeout": 10,
    "socket_connect_timeout": 5,
    "socket_keepalive": True,
    "health_check_interval": 10,
    "retry_on_timeout": True,
    # Several stacks may share one Redis.
    "global_keyprefix": settings.CELERY_KEY_PREFIX,
}
result_backend = None

task_default_queue = "celery"
# A message that cannot be sent now is swept from its row later: do not hold the sender.
task_publish_retry = False

task_routes = {
    "merchants.tell_endpoint_disabled": {"queue": "mail"},
    "cutover.tell_rollbacks": {"queue": "mail"},
    "events.*": {"queue": "webhooks"},
    "payments.send_receipts": {"queue": "mail"},
    "statements.mail": {"queue": "mail"},
    "statements.*": {"queue": "documents"},
    "reconciliation.*": {"queue": "recon"},
    "closing.*": {"queue": "close"},
    "shadow.*": {"queue": "shadow"},
}
beat_scheduler = "django_celery_beat.schedulers:DatabaseScheduler"
beat_max_loop_interval = 1
