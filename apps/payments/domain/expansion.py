"""Which references of an answer the caller wants as whole objects."""

from collections.abc import Iterable

from apps.core.errors import InvalidRequest

ALLOWED = {
    "payment_intent": frozenset({"customer", "payment_method", "latest_charge", "latest_charge.balance_transaction"}),
    "charge": frozenset({"customer", "payment_intent", "balance_transaction", "refunds"}),
    "refund": frozenset({"charge", "payment_intent", "balance_transaction"}),
    "payment_method": frozenset({"customer"}),
    "transfer": frozenset({"balance_transaction"}),
    "customer": frozenset[str](),
    "balance_transaction": frozenset[str](),
}

NONE: frozenset[str] = frozenset()


def wanted(paths: Iterable[str], kind: str, *, in_list: bool = False) -> frozenset[str]:
    """The paths below an object of `kind`, each with its parents. In a list every path starts with
    `data.`.  Raises: InvalidRequest."""
    found: set[str] = set()
    for position, path in enumerate(paths):
        bare = path.removeprefix("data.") if in_list else path
        if bare not in ALLOWED[kind] or (in_list and bare == path):
            raise InvalidRequest(param=f"expand[{position}]", reason="this property cannot be expanded.")
        found.add(bare)
        found.add(bare.partition(".")[0])
    return frozenset(found)
