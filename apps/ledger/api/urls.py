from django.urls import path

from apps.ledger.api import views

urlpatterns = [
    path("ledger/accounts", views.LedgerAccounts.as_view()),
    path("ledger/accounts/<str:id>", views.OneLedgerAccount.as_view()),
    path("ledger/entries", views.LedgerEntries.as_view()),
]
