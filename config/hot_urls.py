"""The endpoints that the lean handler serves, and which requests are theirs."""

import re

from django.urls import include, path

urlpatterns = [path("v1/", include("apps.payments.api.hot_urls"))]

# Method and path of every hot endpoint; all else, and every other method, goes to the stock handler.
_HOT = {
    "POST": re.compile(r"/v1/(?:payment_intents(?:/[^/]+/(?:confirm|capture|cancel))?|refunds|transfers)\Z"),
    "GET": re.compile(r"/v1/(?:payment_intents(?:/[^/]+)?|balance)\Z"),
}


def is_hot(method: str, path: str) -> bool:
    pattern = _HOT.get(method)
    return pattern is not None and pattern.match(path) is not None
