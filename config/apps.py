from django.apps import AppConfig


class PlatformConfig(AppConfig):
    """The whole platform's commands: what needs to see every app."""

    name = "config"
    label = "platform"
    verbose_name = "Platform"
