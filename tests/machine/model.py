"""What intents and refunds should do, in a page: no database, no network."""

from dataclasses import dataclass, field

FEE_POINTS, FEE_FIXED = 290, 30


@dataclass
class Intent:
    amount: int
    manual: bool
    status: str = "requires_payment_method"
    captured: int = 0
    refunded: int = 0


@dataclass
class Model:
    """One merchant, one currency. `funds` is what it owns in all: pending and available."""

    intents: dict[str, Intent] = field(default_factory=dict)
    funds: int = 0

    def create(self, name: str, amount: int, manual: bool) -> None:
        self.intents[name] = Intent(amount, manual)

    def confirm(self, name: str, good: bool) -> bool:
        intent = self.intents[name]
        if intent.status != "requires_payment_method":
            return False
        if not good:
            return False
        if intent.manual:
            intent.status = "requires_capture"
        else:
            self._receive(intent, intent.amount)
        return True

    def capture(self, name: str, amount: int) -> bool:
        intent = self.intents[name]
        if intent.status != "requires_capture" or amount > intent.amount:
            return False
        self._receive(intent, amount)
        return True

    def cancel(self, name: str) -> bool:
        intent = self.intents[name]
        if intent.status not in {"requires_payment_method", "requires_capture"}:
            return False
        intent.status = "canceled"
        return True

    def refund(self, name: str, amount: int) -> bool:
        intent = self.intents[name]
        if intent.status != "succeeded" or amount > intent.captured - intent.refunded or amount > self.funds:
            return False
        intent.refunded += amount
        self.funds -= amount
        return True

    def _receive(self, intent: Intent, amount: int) -> None:
        intent.status, intent.captured = "succeeded", amount
        self.funds += amount - fee(amount)


def fee(amount: int) -> int:
    """2.9 % rounded half to even, plus 30: the standard plan's price of a card payment."""
    whole, rest = divmod(amount * FEE_POINTS, 10_000)
    return min(amount, whole + (rest > 5000 or (rest == 5000 and whole % 2 == 1)) + FEE_FIXED)
