"""Every URL, served by the stock handler. The hot endpoints' async views are in config/hot_urls.py."""

from django.contrib import admin
from django.urls import include, path

from apps.core.api import reference
from config import health

admin.site.index_title = "Home"

urlpatterns = [
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("admin/", admin.site.urls),
    path("docs/errors", reference.errors),
    path("v1/", include("apps.core.api.urls")),
    path("v1/", include("apps.merchants.api.urls")),
    path("v1/", include("apps.ledger.api.urls")),
    path("v1/", include("apps.payments.api.urls")),
    path("v1/", include("apps.statements.api.urls")),
]
handler403 = "config.refusals.forbidden"
handler404 = "apps.core.api.fallbacks.not_found"
handler500 = "apps.core.api.fallbacks.server_error"
