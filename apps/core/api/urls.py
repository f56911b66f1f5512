"""The API's description of itself."""

from django.urls import path

from apps.core.api import reference

urlpatterns = [
    path("openapi.json", reference.openapi_json, name="openapi"),
    path("docs", reference.page, name="reference"),
]
