"""The classic way: Django, DRF and the ORM as most teams have them, in a database of its own."""

from benchmarks.contenders import Targets


def lay() -> Targets:
    """Fresh tables with merchants, money and payments."""
    raise NotImplementedError("being built")


def clean() -> None:
    """Its database is gone."""
