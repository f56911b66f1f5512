import pytest

from tests.ledger.book import Book


@pytest.fixture
def book() -> Book:
    """A merchant of the test's own."""
    return Book()
