from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class CoreConfig(AppConfig):
    name = "apps.core"
    label = "core"
    verbose_name = "Core"

    def ready(self) -> None:
        from apps.core import checks  # noqa: F401  (it registers the system checks)
        from apps.core.api import errors  # noqa: F401  (they are in the catalogue)
        from apps.core.db import connections  # noqa: F401  (it registers a system check)

        # The page of errors has those of every app, whether or not this process has had a use for them.
        autodiscover_modules("errors")
