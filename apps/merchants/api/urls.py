from django.urls import path

from apps.merchants.api import views

urlpatterns = [path("account", views.Account.as_view())]
