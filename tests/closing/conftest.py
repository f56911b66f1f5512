"""Closing a month closes all before it: a database for each module, a month for each test."""

from tests.statements.conftest import calendar, month, own_database

__all__ = ["calendar", "month", "own_database"]
