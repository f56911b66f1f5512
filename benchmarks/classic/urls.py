"""The endpoints."""

from django.http import HttpResponse
from django.urls import include, path
from rest_framework.routers import SimpleRouter

from benchmarks.classic import views

router = SimpleRouter(trailing_slash=False)
router.register("payment_intents", views.PaymentIntentViewSet, basename="payment_intent")
router.register("transfers", views.TransferViewSet, basename="transfer")

urlpatterns = [
    path("v1/", include(router.urls)),
    path("v1/balance", views.BalanceView.as_view()),
    path("readyz", lambda request: HttpResponse("ready")),
]
