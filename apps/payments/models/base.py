"""What every object of a merchant has."""

from typing import Literal

from django.db import models

from apps.core import ids


class Owned(models.Model):
    """A merchant's object in one mode. `created` is business time; `version` grows with each change
    and is the `sequence` of the events about it."""

    prefix: str
    # When its id is made (apps.core.api.lists).
    ids_are: Literal["dated", "early"] = "dated"

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    merchant_id = models.UUIDField(editable=False)
    livemode = models.BooleanField(editable=False)
    version = models.IntegerField(default=1, db_default=1, editable=False)
    created = models.DateTimeField(editable=False)

    class Meta:
        abstract = True

    @property
    def typeid(self) -> str:
        """The id as the API writes it."""
        return ids.encode(self.prefix, self.id)

    def __str__(self) -> str:
        return self.typeid


def by_merchant(name: str) -> models.Index:
    """The index of a merchant's list, newest first by id."""
    return models.Index(fields=["merchant_id", "livemode", "id"], name=f"payments_{name}_of_merchant")


def link(
    to: str, *, null: bool = False, constraint: bool = True, related_name: str = "+"
) -> "models.ForeignKey[models.Model, models.Model]":
    """A reference inside payments. Where the database need not check it again, because the row it was
    copied from was checked, `constraint` is False. Indexes are declared where a query needs them."""
    return models.ForeignKey(
        to, on_delete=models.PROTECT, null=null, db_index=False, db_constraint=constraint, related_name=related_name, editable=False
    )
