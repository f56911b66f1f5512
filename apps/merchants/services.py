"""What changes merchants and keys. A key's secret is returned once and kept nowhere."""

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any
from uuid import UUID
from zoneinfo import available_timezones

from babel import localedata
from django.db import transaction
from django.db.models.functions import Now

from apps.core import clock, ids
from apps.core.errors import InvalidRequest, NotFound
from apps.core.money import CURRENCIES
from apps.merchants import domain
from apps.merchants.models import ApiKey, Merchant, PricingPlan, PricingRate

DEFAULT_PLAN = "Standard"


def create_merchant(
    *,
    name: str,
    email: str,
    country: str,
    default_currency: str,
    legal_name: str = "",
    plan: str = DEFAULT_PLAN,
    **details: Any,
) -> Merchant:
    """A merchant on the price list `plan`, without keys. `details`: tax_id, address, locale,
    time_zone, settings.  Raises: InvalidRequest."""
    _refuse_wrong(country=country.upper(), default_currency=default_currency, **details)
    pricing_plan = PricingPlan.objects.filter(name=plan).first()
    if pricing_plan is None:
        raise InvalidRequest(param="plan", reason="there is no price list of that name.")
    return Merchant.objects.create(
        name=name,
        legal_name=legal_name or name,
        email=email,
        country=country.upper(),
        default_currency=default_currency,
        pricing_plan=pricing_plan,
        created=clock.now(),
        **details,
    )


def change_settings(*, merchant_id: UUID, changes: Mapping[str, Any]) -> None:
    """The merchant's settings hold `changes`; requests see them within a second.
    Locks: the merchant.  Raises: InvalidRequest, NotFound."""
    _refuse_wrong(settings=changes)
    with transaction.atomic(durable=True):
        merchant = Merchant.objects.select_for_update(no_key=True).filter(id=merchant_id).first()
        if merchant is None:
            raise NotFound(kind="account", id=ids.encode("acct", merchant_id))
        merchant.settings = {**merchant.settings, **changes}
        merchant.save(update_fields=["settings"])


def _refuse_wrong(
    *,
    country: str = "NL",
    default_currency: str = "eur",
    time_zone: str = "UTC",
    locale: str = "en",
    settings: Mapping[str, Any] = MappingProxyType({}),
    **_: Any,
) -> None:
    """Raises InvalidRequest for the first detail that cannot be used."""
    wrong = domain.wrong_setting(settings)
    checks = (
        ("country", re.fullmatch(r"[A-Z]{2}", country), "it must be a two-letter ISO 3166 code."),
        ("default_currency", default_currency in CURRENCIES, "it is not a currency that Florin settles in."),
        ("time_zone", time_zone in available_timezones(), "it is not an IANA time zone."),
        ("locale", locale in localedata.locale_identifiers(), "it is not a CLDR locale."),
        (f"settings[{wrong}]", wrong is None, "there is no such setting, or it cannot have this value."),
    )
    for param, fine, reason in checks:
        if not fine:
            raise InvalidRequest(param=param, reason=reason)


def issue_key(*, merchant_id: UUID, livemode: bool, scopes: Iterable[str] = ()) -> tuple[UUID, str]:
    """A new key of the merchant and its secret, which nobody can read again. Without scopes it may
    do everything.  Raises: InvalidRequest, NotFound."""
    wanted = sorted(set(scopes))
    unknown = [scope for scope in wanted if scope not in domain.SCOPES]
    if unknown:
        raise InvalidRequest(param="scopes", reason=f"there is no scope {unknown[0]!r}.")
    if not Merchant.objects.filter(id=merchant_id).exists():
        raise NotFound(kind="account", id=ids.encode("acct", merchant_id))
    secret = domain.new_secret(livemode=livemode)
    key = ApiKey.objects.create(
        merchant_id=merchant_id,
        livemode=livemode,
        prefix=secret[:8],
        sha256=domain.hashed(secret),
        last4=secret[-4:],
        scopes=wanted,
        created=clock.now(),
    )
    return key.id, secret


def roll_key(*, key_id: UUID, overlap: timedelta = timedelta(0)) -> tuple[UUID, str]:
    """A new key with the old one's merchant, mode and scopes; the old one works for `overlap` longer,
    by the database's clock.  Locks: the old key.  Raises: NotFound, InvalidRequest."""
    with transaction.atomic(durable=True):
        old = ApiKey.objects.select_for_update(no_key=True).filter(id=key_id).first()
        if old is None:
            raise NotFound(kind="API key", id=ids.encode("key", key_id))
        if old.revoked_at is not None or old.replaced_by_id is not None:
            raise InvalidRequest(param="key", reason="it was revoked or rolled before.")
        new_id, secret = issue_key(merchant_id=old.merchant_id, livemode=old.livemode, scopes=old.scopes)
        ApiKey.objects.filter(id=key_id).update(replaced_by_id=new_id, expires_at=Now() + overlap)
    return new_id, secret


def revoke_key(*, key_id: UUID) -> None:
    """The key works nowhere any more, at the latest a second from now.  Raises: NotFound."""
    if not ApiKey.objects.filter(id=key_id).exists():
        raise NotFound(kind="API key", id=ids.encode("key", key_id))
    ApiKey.objects.filter(id=key_id, revoked_at=None).update(revoked_at=Now())


def set_rate(*, plan: str, currency: str, method: str, basis_points: int, fixed_minor: int) -> None:
    """The plan charges this for `method` in `currency` (`*`: every currency without a rate of its own)."""
    pricing_plan, _ = PricingPlan.objects.get_or_create(name=plan)
    PricingRate.objects.update_or_create(
        plan=pricing_plan,
        currency=currency,
        method=method,
        defaults={"basis_points": basis_points, "fixed_minor": fixed_minor},
    )
