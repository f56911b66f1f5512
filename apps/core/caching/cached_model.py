"""Models whose rows are cached (`core.caching.cache`): however they are written, every process reads them anew
within a second. Raw SQL cannot be seen from here: a house lint keeps it from these tables."""

from collections.abc import Iterable
from typing import Any, ClassVar, TypeVar

from django.db import models, transaction

from apps.core.caching import cache

M = TypeVar("M", bound="CachedModel")


class CachedQuerySet(models.QuerySet[M]):
    """Writes of many rows at once, which call no `save`."""

    def update(self, **changes: Any) -> int:
        changed = super().update(**changes)
        self.model.tell()
        return changed

    def bulk_create(self, objs: Iterable[M], *args: Any, **options: Any) -> list[M]:
        made = super().bulk_create(objs, *args, **options)
        self.model.tell()
        return made

    def delete(self) -> tuple[int, dict[str, int]]:
        gone = super().delete()
        self.model.tell()
        return gone


class CachedManager(models.Manager[M]):
    def get_queryset(self) -> models.QuerySet[M]:
        return CachedQuerySet(self.model, using=self._db)


class CachedModel(models.Model):
    """Rows that are cached under the topic `cached_as`. Each model has its own
    `objects = CachedManager["TheModel"]()`."""

    cached_as: ClassVar[str]

    class Meta:
        abstract = True

    def save(self, *args: Any, **options: Any) -> None:
        super().save(*args, **options)
        self.tell()

    def delete(self, *args: Any, **options: Any) -> tuple[int, dict[str, int]]:
        gone = super().delete(*args, **options)
        self.tell()
        return gone

    @classmethod
    def tell(cls) -> None:
        """After the commit, every process reads the topic anew."""
        transaction.on_commit(lambda: cache.changed(cls.cached_as))
