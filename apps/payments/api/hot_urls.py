from typing import Any

from django.urls import path

from apps.payments.api import hot

_VIEWS: dict[str, Any] = {
    "payment_intents": hot.PaymentIntents,
    "payment_intents/<str:id>": hot.OnePaymentIntent,
    "payment_intents/<str:id>/confirm": hot.Confirm,
    "payment_intents/<str:id>/capture": hot.Capture,
    "payment_intents/<str:id>/cancel": hot.Cancel,
    "refunds": hot.Refunds,
    "transfers": hot.Transfers,
    "balance": hot.Balance,
}
urlpatterns = [path(route, view.as_view()) for route, view in _VIEWS.items()]
