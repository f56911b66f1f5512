"""Switches and their history in the back office."""

from apps.cutover.admin import shadow, switch  # noqa: F401  (registers its pages)
