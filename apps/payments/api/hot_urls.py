from django.urls import path

from apps.payments.api import hot

urlpatterns = [
    path("payment_intents", hot.PaymentIntents.as_view()),
    path("payment_intents/<str:id>", hot.OnePaymentIntent.as_view()),
    path("payment_intents/<str:id>/confirm", hot.Confirm.as_view()),
    path("payment_intents/<str:id>/capture", hot.Capture.as_view()),
    path("payment_intents/<str:id>/cancel", hot.Cancel.as_view()),
    path("refunds", hot.Refunds.as_view()),
    path("transfers", hot.Transfers.as_view()),
    path("balance", hot.Balance.as_view()),
]
