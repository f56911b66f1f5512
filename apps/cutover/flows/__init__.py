"""The same request answered twice, and what came of it."""

from apps.cutover.flows.comparing import compare_due

__all__ = ["compare_due"]
