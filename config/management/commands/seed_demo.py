"""The demo platform: two merchants with keys, a revoked key, an admin. Run again, it changes nothing."""

import json
import os
import secrets
from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import BaseCommand, CommandError

from apps.merchants import selectors, services

ADMIN = "admin"
MERCHANTS: dict[str, dict[str, Any]] = {
    "secret_key": {
        "name": "Northwind Books",
        "legal_name": "Northwind Books B.V.",
        "email": "finance@northwind.example",
        "country": "NL",
        "default_currency": "eur",
        "tax_id": "NL001234567B01",
        "address": {"line1": "Keizersgracht 123", "postal_code": "1015 CJ", "city": "Amsterdam", "country": "NL"},
    },
    "secret_key_other_merchant": {
        "name": "Contoso Coffee",
        "legal_name": "Contoso Coffee Roasters GmbH",
        "email": "accounts@contoso.example",
        "country": "DE",
        "default_currency": "eur",
        "tax_id": "DE123456789",
        "address": {"line1": "Torstraße 45", "postal_code": "10119", "city": "Berlin", "country": "DE"},
    },
}


class Command(BaseCommand):
    help = "Makes the demo platform and writes its keys and the admin's password into a file, once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--write", type=Path, required=True, metavar="FILE")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.CLOCK_MAY_MOVE:
            raise CommandError("This platform is not for demonstrations (CLOCK_MAY_MOVE is off).")
        path: Path = options["write"]
        known = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        wanted = known | self._keys(known) | self._admin(known)
        if wanted != known:
            _write_private(path, wanted)

    def _keys(self, known: dict[str, str]) -> dict[str, str]:
        """Secrets are shown once, so the file is where they are known: a key that is not in it (or that
        this database does not have) is issued anew."""
        made = {}
        for name, details in MERCHANTS.items():
            merchant_id = selectors.merchant_id_by_name(details["name"]) or services.create_merchant(**details).id
            if not _works(known.get(name)):
                made[name] = services.issue_key(merchant_id=merchant_id, livemode=False)[1]
        if "revoked_key" not in known or "secret_key" in made:
            made["revoked_key"] = _revoked_key(selectors.merchant_id_by_name(MERCHANTS["secret_key"]["name"]))
        return made

    def _admin(self, known: dict[str, str]) -> dict[str, str]:
        users = get_user_model().objects
        if "admin_password" in known and users.filter(username=ADMIN).exists():
            return {}
        password = secrets.token_urlsafe(12)
        admin, _ = users.get_or_create(username=ADMIN, defaults={"is_staff": True, "is_superuser": True, "email": "admin@florin.example"})
        admin.set_password(password)
        admin.save()
        return {"admin_user": ADMIN, "admin_password": password}


def _works(secret: str | None) -> bool:
    return secret is not None and selectors.is_usable(secret)


def _revoked_key(merchant_id: UUID | None) -> str:
    if merchant_id is None:
        raise CommandError("the demo merchant is missing")
    key_id, secret = services.issue_key(merchant_id=merchant_id, livemode=False)
    services.revoke_key(key_id=key_id)
    return secret


def _write_private(path: Path, content: dict[str, str]) -> None:
    descriptor = os.open(path.with_suffix(".new"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(content, file, indent=2)
        file.write("\n")
    os.replace(path.with_suffix(".new"), path)
