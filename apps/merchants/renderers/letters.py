"""Letters to merchants about their account: pure text, from data alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from textwrap import dedent
from typing import Any

_REASONS = {
    "gone": "Your server answered 410 Gone, which asks us never to call this address again.",
    "failing": "No delivery to it has succeeded for three days, although we kept trying.",
}
_ENDPOINT_DISABLED = """\
    Hello {merchant},

    we have switched off one of your webhook endpoints ({mode} mode):

        {url}
        {id}

    {reason}

    It gets no events until you enable it again. Your payments are not affected, and nothing is lost:
    every event stays in GET /v1/events.

    What to do
    1. Make sure that the address answers a POST with a 2xx status within 15 seconds.
    2. Enable the endpoint: POST /v1/webhook_endpoints/{id} with disabled=false.
       If you no longer need it, delete it instead; there is nothing else to do.
    3. Read what you missed: GET /v1/events, newest first, back to the last event you know.

    Florin
    """


@dataclass(frozen=True)
class Letter:
    subject: str
    text: str


def endpoint_disabled(endpoint: Mapping[str, Any], *, merchant: str) -> Letter:
    """What the merchant is told when `endpoint` (as its event shows it) was disabled by Florin. The
    query of its URL is left out: it may hold a password."""
    url = str(endpoint["url"]).partition("?")[0]
    mode = "live" if endpoint["livemode"] else "test"
    text = dedent(_ENDPOINT_DISABLED).format(
        merchant=merchant, mode=mode, url=url, id=endpoint["id"], reason=_REASONS[endpoint["disabled_reason"]]
    )
    return Letter(f"Action needed: a webhook endpoint of yours was switched off ({mode} mode)", text)
