from django.apps import AppConfig


class PlatformConfig(AppConfig):
    """The whole platform's commands: what needs to see every app."""

    name = "config"
    label = "platform"
    verbose_name = "Platform"

    def ready(self) -> None:
        # Without this, tasks sent by the web or by a command go to another broker's queue.
        import celery_app  # noqa: F401
