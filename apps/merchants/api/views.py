"""The account of the caller."""

from django.http import HttpResponse
from rest_framework.request import Request

from apps.core.api.openapi import describe
from apps.merchants import selectors
from apps.merchants.api import shapes
from apps.merchants.api.views_base import FlorinView


class Account(FlorinView):
    scope = {"GET": "account:read"}

    @describe("Retrieve the account", request=shapes.Nothing, response=shapes.Account, tag="Account")
    def get(self, request: Request) -> HttpResponse:
        self.params(shapes.Nothing)
        merchant = selectors.merchant(self.caller.merchant_id)
        return self.shown(shapes.render_account(merchant, livemode=self.caller.livemode))
