"""Who calls: a bearer key, looked up by its hash."""

import hashlib

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission

from benchmarks.classic.models import ApiKey, Merchant


def hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


class ApiKeyAuthentication(BaseAuthentication):
    """`request.user` is the merchant, `request.auth` the key."""

    def authenticate(self, request):
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        try:
            key = ApiKey.objects.select_related("merchant").get(sha256=hashed(secret.strip()), revoked_at=None)
        except ApiKey.DoesNotExist:
            raise AuthenticationFailed("Invalid API key.") from None
        return key.merchant, key

    def authenticate_header(self, request) -> str:
        return "Bearer"


class HasMerchant(BasePermission):
    def has_permission(self, request, view) -> bool:
        return isinstance(request.user, Merchant)
