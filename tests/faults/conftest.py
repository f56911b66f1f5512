"""The same running product as the SDK's tests use."""

from tests.sdk.conftest import stack

__all__ = ["stack"]
