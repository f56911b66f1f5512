"""What the person at the terminal reads when the stack is up."""

from __future__ import annotations

from typing import Any

from devservices.layout import Layout

LINES = (
    ("API", "{api_base}/v1/"),
    ("API reference", "{api_base}/v1/docs"),
    ("Back office", "{admin_url}   {admin_user} / {admin_password}"),
    ("Secret key (test)", "{secret_key}"),
    ("… of another merchant", "{secret_key_other_merchant}"),
    ("… revoked", "{revoked_key}"),
    ("Sandbox acquirer", "{sandbox_base}"),
    ("Mailbox", "{mailbox}"),
    ("Logs", "{log_dir}"),
    ("PostgreSQL", "{database_url}"),
    ("Redis", "{redis_url}"),
)
TRY_IT = """
Try it:
  curl {api_base}/v1/payment_intents -u {secret_key}: \\
    -d amount=2000 -d currency=eur -d payment_method=pm_card_visa -d confirm=true
"""


class _Known(dict[str, Any]):
    """A key that the seed did not write shows as a dash."""

    def __missing__(self, key: str) -> str:
        return "-"


def where_to_look(demo: dict[str, Any], layout: Layout) -> str:
    """One line a place, and a first request to send."""
    known = _Known(demo)
    lines = [f"  {label:<22} {text.format_map(known)}" for label, text in LINES]
    return "\n".join(["", *lines, f"  {'For scripts':<22} {layout.demo_file}", TRY_IT.format_map(known)])


def states(infos: dict[str, dict[str, Any]]) -> str:
    """One line a program: state and how long."""
    return "\n".join(f"  {name:<10} {info['statename']:<9} {info['description']}" for name, info in infos.items())
