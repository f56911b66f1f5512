"""What every change of an object has in common."""

from collections.abc import Mapping
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from msgspec import UNSET

from apps.core.api.types import merged_metadata
from apps.core.errors import NotFound
from apps.core.ids import encode
from apps.events.services import emit
from apps.merchants.domain import Caller
from apps.payments import selectors
from apps.payments.models.base import Owned

M = TypeVar("M", bound=Owned)


def locked(model: type[M], *, caller: Caller, id: UUID) -> M:
    """The caller's object, its row locked until the end of the transaction.  Raises: NotFound."""
    rows = selectors.owned(model, merchant_id=caller.merchant_id, livemode=caller.livemode)
    found = rows.select_for_update(no_key=True, of=("self",)).filter(id=id).first()
    if found is None:
        raise NotFound(kind=selectors.KINDS[model], id=encode(model.prefix, id))
    return found


def given(body: msgspec.Struct, *names: str) -> dict[str, Any]:
    """The parameters among `names` that the request has, nested ones as plain dicts."""
    values = {name: getattr(body, name) for name in names}
    return {name: msgspec.to_builtins(value) for name, value in values.items() if value is not UNSET}


def changed(record: M, *, changes: Mapping[str, Any]) -> M:
    """`record` has `changes` and is one version further. Metadata is merged key by key."""
    for name, value in changes.items():
        setattr(record, name, merged_metadata(record.metadata, value) if name == "metadata" else value)  # type: ignore[attr-defined]
    record.version += 1
    record.save(update_fields=[*changes, "version"])
    return record


def tell(record: Owned, *, type: str, document: Any, caller: Caller, key: str | None) -> None:
    """Emits `type` about `record`, in the caller's transaction."""
    emit(
        merchant_id=record.merchant_id,
        livemode=record.livemode,
        type=type,
        object_id=record.id,
        sequence=record.version,
        data=document,
        request_id=caller.request_id,
        idempotency_key=key,
    )
