"""What closes a month."""

from apps.closing.services.running import Progress, advance, close_month

__all__ = ["Progress", "advance", "close_month"]
