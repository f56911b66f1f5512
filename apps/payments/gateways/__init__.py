"""Payment gateways: bytes and protocols. Each adapter says how to ask and how to read the answer; who
asks, when, and what follows is in `flows` and `domain`."""

from apps.payments.gateways.base import Gateway
from apps.payments.gateways.sandbox import Sandbox

GATEWAYS: dict[str, Gateway] = {"sandbox": Sandbox()}
DEFAULT = "sandbox"
