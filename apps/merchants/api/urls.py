from django.urls import path

from apps.merchants.api import event_views, views, webhook_endpoint_views

urlpatterns = [
    path("account", views.Account.as_view()),
    path("events", event_views.Events.as_view()),
    path("events/<str:id>", event_views.OneEvent.as_view()),
    path("webhook_endpoints", webhook_endpoint_views.Endpoints.as_view()),
    path("webhook_endpoints/<str:id>", webhook_endpoint_views.OneEndpoint.as_view()),
    path("webhook_endpoints/<str:id>/roll_secret", webhook_endpoint_views.RollSecret.as_view()),
]
