"""What the loads ask for: form-encoded, as the Stripe SDK sends it.

A kind takes the job and gives (make, is_right): the bytes of the next request, and whether the body of
an answer is what that request asked for.
"""

import uuid
from collections.abc import Callable
from itertools import count
from urllib.parse import urlencode

import orjson

Make = Callable[[], bytes]
IsRight = Callable[[bytes, bytes], bool]
AMOUNT = 1999
PAGE = 20
REPLAYED = 64
_LETTERS = str.maketrans("0123456789", "ghijklmnop")


def _head(method: str, path: str, secret: str) -> bytes:
    lines = (
        f"{method} {path} HTTP/1.1",
        "Host: 127.0.0.1",
        "User-Agent: Stripe/v1 PythonBindings/13.0.0",
        f"Authorization: Bearer {secret}",
        "Accept: */*",
        "Accept-Encoding: gzip, deflate",
        "Connection: keep-alive",
    )
    return ("\r\n".join(lines) + "\r\n").encode()


def _post(path: str, secret: str, fields: dict) -> tuple[bytes, bytes]:
    """The parts before and after the idempotency key."""
    body = urlencode(fields).encode()
    before = _head("POST", path, secret) + b"Content-Type: application/x-www-form-urlencoded\r\nIdempotency-Key: "
    return before, b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body


def _writes(job: dict, parts: list[tuple[bytes, bytes]], repeat: int = 0) -> Make:
    """The parts in turn, each time under a new key (of `repeat` different ones, if that is given)."""
    serial, prefix = count(), job["prefix"]

    def make() -> bytes:
        n = next(serial)
        before, after = parts[(n % repeat if repeat else n) % len(parts)]
        return b"%b%b-%d%b" % (before, prefix.encode(), n % repeat if repeat else n, after)

    return make


def _intents(job: dict, *, confirm: bool, repeat: int = 0) -> tuple[Make, IsRight]:
    fields: dict = {"amount": AMOUNT, "currency": "eur", "metadata[order]": "A-1001"}
    if confirm:
        fields |= {"confirm": "true", "payment_method": "pm_card_visa", "return_url": "https://example.com/done"}
    # The first key's merchant is the one that reads: its lists stay as they were laid.
    parts = [_post("/v1/payment_intents", secret, fields) for secret in job["keys"][1:] or job["keys"]]
    status = "succeeded" if confirm else "requires_payment_method"

    def is_right(request: bytes, body: bytes) -> bool:
        made = orjson.loads(body)
        return made["id"].startswith("pi_") and made["amount"] == AMOUNT and made["status"] == status

    return _writes(job, parts, repeat), is_right


def _transfers(job: dict, payers: int, payees: int) -> tuple[Make, IsRight]:
    """From the first `payers` merchants to the last `payees`; nobody pays himself."""
    keys, accounts = job["keys"][:payers], job["targets"][-payees:]
    pairs = [(keys[n % len(keys)], accounts[(n * 7) % len(accounts)]) for n in range(len(keys) * len(accounts))]
    parts = [_post("/v1/transfers", secret, {"amount": 1, "currency": "eur", "destination": account}) for secret, account in pairs]

    def is_right(request: bytes, body: bytes) -> bool:
        made = orjson.loads(body)
        return made["id"].startswith("tr_") and made["amount"] == 1

    return _writes(job, parts), is_right


def _reads(job: dict, path: str, is_right: Callable[[str, dict], bool]) -> tuple[Make, IsRight]:
    made = [_head("GET", path.format(id=target), job["keys"][0]) + b"\r\n" for target in job["targets"] or [""]]
    serial, many = count(), len(made)
    return (lambda: made[next(serial) % many]), (lambda request, body: is_right(request.split(b" ", 2)[1].decode(), orjson.loads(body)))


def _is_payment(target: str, found: dict) -> bool:
    """The very one that was asked for."""
    return bool(target.endswith("/" + found["id"]) and found["amount"] > 0)


def _is_page(target: str, found: dict) -> bool:
    """Twenty payments, newest first, all of them after the one that was named. Ids grow with time."""
    ids, named = [one["id"] for one in found["data"]], target.partition("starting_after=")[2].partition("&")[0]
    return len(ids) == PAGE and sorted(ids, reverse=True) == ids and ids[0] < named


def _is_full_page(target: str, found: dict) -> bool:
    """With their customers and charges in them: no bare id of either."""
    return _is_page(target, found) and not any(
        isinstance(one[name], str) for one in found["data"] for name in ("customer", "latest_charge")
    )


def _lists(job: dict, *expanded: str) -> tuple[Make, IsRight]:
    """Pages of twenty, each beginning somewhere else, so that no two connections ask for the same at once."""
    relations = "".join(f"&expand[]={name}" for name in expanded)
    path = f"/v1/payment_intents?limit={PAGE}&starting_after={{id}}{relations}"
    return _reads(job | {"targets": job["targets"][PAGE:]}, path, _is_full_page if expanded else _is_page)


KINDS: dict[str, Callable[[dict], tuple[Make, IsRight]]] = {
    "create": lambda job: _intents(job, confirm=False),
    "confirm": lambda job: _intents(job, confirm=True),
    "replay": lambda job: _intents(job, confirm=False, repeat=REPLAYED),
    "transfer": lambda job: _transfers(job, 1, len(job["targets"])),
    "transfer_hot": lambda job: _transfers(job, 1, 1),
    "transfer_spread": lambda job: _transfers(job, len(job["keys"]) // 2, len(job["targets"]) // 2),
    "get": lambda job: _reads(job, "/v1/payment_intents/{id}", _is_payment),
    "list": lambda job: _lists(job, "data.customer", "data.latest_charge"),
    "plain": _lists,
    "expanded": lambda job: _lists(job, "data.customer", "data.payment_method", "data.latest_charge.balance_transaction"),
    "balance": lambda job: _reads(job | {"targets": []}, "/v1/balance", lambda _, found: found["object"] == "balance"),
}
# What a success of a kind leaves behind: payments or transfers; reads leave nothing.
LEAVES = dict.fromkeys(("create", "confirm", "replay"), "payment") | dict.fromkeys(
    ("transfer", "transfer_hot", "transfer_spread"), "transfer"
)


def without_digits() -> str:
    """A beginning of idempotency keys. One random one in thirty has so many digits in a row that it is looked at for a
    card number, 900 bytecodes more: nothing to count by."""
    return uuid.uuid4().hex.translate(_LETTERS)
