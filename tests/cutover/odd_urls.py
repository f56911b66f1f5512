"""The API, in which the classic view of a payment shows another amount than there is."""

from typing import Any

from django.urls import path
from msgspec.structs import replace

from apps.payments.api.views.intents import OnePaymentIntent
from apps.payments.renderers.shapes import PaymentIntent
from config.urls import handler404, handler500
from config.urls import urlpatterns as right

__all__ = ["handler404", "handler500", "urlpatterns"]


class Odd(OnePaymentIntent):
    def render(self, record: Any, expand: frozenset[str]) -> PaymentIntent:
        document: PaymentIntent = super().render(record, expand)
        return replace(document, amount=document.amount + 1)


urlpatterns = [path("v1/payment_intents/<str:id>", Odd.as_view()), *right]
