"""What every page of the back office is made of: records to look at, in lists that cost the same however long they get.

A list never counts its rows, goes by the order of an index, fetches what it shows of other tables along with its own
rows (`list_select_related`), and offers filters whose choices are known without reading the table. Django's own filter
over a plain column asks for every value that is in it (SELECT DISTINCT): `one_of` and `months` do not.
"""

from datetime import date
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.paginator import InfinitePaginator

from apps.core import clock
from apps.core.money import CURRENCIES

MONTHS_SHOWN = 24


class ReadOnly:
    """Nobody adds, changes or deletes these rows here."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class Records(ReadOnly, ModelAdmin):
    """A list of records and the page of one."""

    paginator = InfinitePaginator
    show_full_result_count = False
    list_per_page = 50
    actions = None

    @admin.display(description="Mode", ordering="livemode")
    def mode(self, record: Any) -> str:
        return "live" if record.livemode else "test"


def one_of(field: str, *values: str, title: str = "") -> type[admin.SimpleListFilter]:
    """A filter over `field`, whose values are `values`."""

    class OneOf(admin.SimpleListFilter):
        parameter_name = field

        def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
            return [(value, value.replace("_", " ")) for value in values]

        def queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> "QuerySet[Any]":
            return queryset.filter(**{field: self.value()}) if self.value() else queryset

    OneOf.title = title or field.replace("_", " ")
    return OneOf


def currency(field: str = "currency") -> type[admin.SimpleListFilter]:
    """A filter over all currencies there are."""
    return one_of(field, *sorted(CURRENCIES), title="currency")


def months(field: str) -> type[admin.SimpleListFilter]:
    """A filter over the date `field` by month: this one and the 23 before it."""

    class Months(admin.SimpleListFilter):
        title = parameter_name = "month"

        def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
            today = clock.today()
            found = [divmod(today.year * 12 + today.month - 1 - back, 12) for back in range(MONTHS_SHOWN)]
            return [(f"{year}-{month + 1:02}-01", f"{year}-{month + 1:02}") for year, month in found]

        def queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> "QuerySet[Any]":
            chosen = dict(self.lookup_choices).get(self.value() or "")
            if chosen is None:
                return queryset
            first = date.fromisoformat(f"{chosen}-01")
            after = date(first.year + first.month // 12, first.month % 12 + 1, 1)
            return queryset.filter(**{f"{field}__gte": first, f"{field}__lt": after})

    return Months
