from django.urls import path

from apps.payments.api.views import charges, customers, intents, money

urlpatterns = [
    path("payment_intents", intents.PaymentIntents.as_view()),
    path("payment_intents/<str:id>", intents.OnePaymentIntent.as_view()),
    path("payment_intents/<str:id>/confirm", intents.Confirm.as_view()),
    path("payment_intents/<str:id>/capture", intents.Capture.as_view()),
    path("payment_intents/<str:id>/cancel", intents.Cancel.as_view()),
    path("charges", charges.Charges.as_view()),
    path("charges/<str:id>", charges.OneCharge.as_view()),
    path("charges/<str:id>/refunds", charges.RefundsOfCharge.as_view()),
    path("refunds", charges.Refunds.as_view()),
    path("refunds/<str:id>", charges.OneRefund.as_view()),
    path("customers", customers.Customers.as_view()),
    path("customers/<str:id>", customers.OneCustomer.as_view()),
    path("customers/<str:id>/payment_methods", customers.MethodsOfCustomer.as_view()),
    path("payment_methods", customers.PaymentMethods.as_view()),
    path("payment_methods/<str:id>", customers.OnePaymentMethod.as_view()),
    path("payment_methods/<str:id>/attach", customers.Attach.as_view()),
    path("payment_methods/<str:id>/detach", customers.Detach.as_view()),
    path("transfers", money.Transfers.as_view()),
    path("transfers/<str:id>", money.OneTransfer.as_view()),
    path("balance", money.Balance.as_view()),
    path("balance_transactions", money.BalanceTransactions.as_view()),
    path("balance_transactions/<str:id>", money.OneBalanceTransaction.as_view()),
]
