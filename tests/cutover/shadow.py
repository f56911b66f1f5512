"""Requests whose hot answers are all compared."""

import asyncio
from collections.abc import AsyncIterator
from typing import NoReturn

import pytest
from django.utils import timezone

from apps.cutover import flows, selectors, services
from apps.cutover.api import shadowing
from apps.cutover.domain import ENDPOINTS
from apps.cutover.domain.samples import Taken
from apps.cutover.models import Difference, Sample
from tests.factories import MadeMerchant

READ = "payment_intents.retrieve"


@pytest.fixture
async def shadowed(watching, sandbox: str) -> AsyncIterator[None]:
    """Every hot answer of this process is taken; nothing was waiting before, and no difference throws a switch."""
    await asyncio.to_thread(_prepare)
    shadowing.set_rates(dict.fromkeys(ENDPOINTS, 100))
    yield
    await shadowing.stop()


def _prepare() -> None:
    Sample.objects.all().delete()
    for endpoint in ENDPOINTS:
        # What differs on purpose in one test must not turn the endpoint classic for the next.
        services.limit(endpoint=endpoint, max_difference_percent=None, actor="ada", reason="a test")


def broken_history(taken: Taken) -> NoReturn:
    """In place of the payments': a mistake that nobody foresaw."""
    raise ZeroDivisionError(taken.endpoint)


async def handed_over() -> int:
    """What was taken is in the database; how much it was."""
    return await shadowing.flush()


async def compared() -> dict[str, selectors.Summary]:
    """What was taken is compared; what this added to the counts, per endpoint."""
    await handed_over()
    return await asyncio.to_thread(_compared)


def _compared() -> dict[str, selectors.Summary]:
    before = counts()
    flows.compare_due(seconds=60)
    return {name: now for name, after in counts().items() if (now := less(after, before.get(name))).endpoint and any_of(now)}


def counts() -> dict[str, selectors.Summary]:
    since = timezone.now().replace(year=2000)
    return {one.endpoint: one for one in selectors.shadow_summary(since=since)}


def less(after: selectors.Summary, before: selectors.Summary | None) -> selectors.Summary:
    names = ("compared", "differing", "moved_on", "skipped", "dropped")
    return selectors.Summary(after.endpoint, *(getattr(after, name) - (getattr(before, name) if before else 0) for name in names))


def any_of(one: selectors.Summary) -> bool:
    return bool(one.compared or one.skipped or one.dropped)


def differences_of(shop: MadeMerchant) -> list[Difference]:
    return list(Difference.objects.filter(merchant_id=shop.id).order_by("id"))
