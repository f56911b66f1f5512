"""What the process has made of versions of rows, so that it makes it once.

A version is a row's id and its `xmin`, the number of the transaction that wrote it: what it holds never changes. Which
version is there PostgreSQL says with every read, so what is kept here is shown only as long as it is true. For reads
outside of transactions: inside one, a row that is written twice has one number.
"""

from collections.abc import Hashable, Sequence
from typing import Any, Generic, TypeVar
from weakref import WeakSet

T = TypeVar("T")
_stores: "WeakSet[Kept[Any]]" = WeakSet()


class Kept(Generic[T]):
    """Values by version, together at most `most` large. When the younger half is full, the older one goes: what is
    asked for often is then made anew, once. What does not fit into a half is not kept: with 0, nothing is."""

    def __init__(self, most: int) -> None:
        self._half, self._size = most // 2, 0
        self._young: dict[Hashable, T] = {}
        self._old: dict[Hashable, T] = {}
        _stores.add(self)

    def get(self, version: Hashable) -> T | None:
        found = self._young.get(version)
        return self._old.get(version) if found is None else found

    def all(self, versions: Sequence[Hashable]) -> list[T] | None:
        """The values of all `versions` in their order; None if one is missing."""
        found = [*map(self._young.get, versions)]
        if None in found:
            found = [*map(self.get, versions)]
        return None if None in found else found  # type: ignore[return-value]  # no None

    def keep(self, version: Hashable, value: T, size: int) -> None:
        if size > self._half:
            return
        self._size += size
        if self._size > self._half:
            self._old, self._young, self._size = self._young, {}, size
        self._young[version] = value

    def forget(self) -> None:
        self._young, self._old, self._size = {}, {}, 0


def forget_all() -> None:
    """For when the server may be another one than before, which gives the same numbers to other transactions."""
    for store in _stores:
        store.forget()
