"""Requests that nobody would think of, the same ones for the same seed: right parameters among wrong ones, in JSON and in forms,
with broken URLs, methods and headers."""

import json
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import quote, quote_plus

from tests.contract.values import ANY, COUNTRIES, EXPANDS, HEADERS, KEYS, KINDS, TEXTS, Ids, known, right, wrong

INTENTS = "/v1/payment_intents"


@dataclass(frozen=True)
class Strange:
    method: str
    path: str
    query: str = ""
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    # Whose key it is sent with.
    key: str = "test"


Pairs = list[tuple[str, str]]


class Source:
    """`ids`: ids by kind, whose objects are there; others are made up."""

    def __init__(self, seed: int, ids: Ids) -> None:
        self.random, self.ids = Random(seed), ids
        self.wrong, self.right = wrong(ids), right(ids)
        self.makers = {"metadata": self.metadata, "shipping": self.shipping, "expand": self.expand_json}

    def any_json(self) -> str:
        return self.random.choice(ANY)

    def one(self, name: str) -> str:
        """A value for the parameter `name`: mostly one that can be right."""
        if self.random.random() < 0.05:
            return self.any_json()
        if name in self.right and self.random.random() < 0.75:
            return self.random.choice(self.right[name])
        if name in self.makers:
            return self.makers[name]()
        return self.random.choice(self.wrong.get(name, ANY))

    def metadata(self) -> str:
        names = self.random.choices(
            [*TEXTS[:12], "k" * 40, "k" * 41, "order", "a", "b", "a.b", "a[b]"], k=self.random.choice([0, 1, 2, 3, 3, 51])
        )
        values = self.random.choices([*TEXTS, "v" * 500, "v" * 501, ""], k=len(names))
        items = [
            f"{json.dumps(name)}:{json.dumps(value, ensure_ascii=self.random.random() < 0.5)}"
            for name, value in zip(names, values, strict=True)
        ]
        return "{" + ",".join(items) + "}"

    def shipping(self) -> str:
        address = {"line1": self.random.choice(TEXTS), "country": self.random.choice(COUNTRIES), "city": self.random.choice([None, "Z"])}
        return json.dumps({"name": self.random.choice(TEXTS), "address": self.random.choice([address, address, {}, None])})

    def expand_json(self) -> str:
        return json.dumps(self.random.choices(EXPANDS, k=self.random.choice([0, 1, 1, 2, 3, 21])))

    def pairs(self, good: Pairs, others: list[str]) -> Pairs:
        """`good` parameters, of which some are changed, left out or said twice, and some `others`."""
        choice = self.random
        found = [(name, self.one(name) if choice.random() < 0.2 else value) for name, value in good if choice.random() > 0.02]
        found += [(name, self.one(name)) for name in choice.sample(others, k=min(len(others), choice.choice([0, 0, 1, 1, 2, 3])))]
        if choice.random() < 0.05:
            found.append((choice.choice(["unknown", "", "Amount", "amount ", "é", "a" * 200, "amount[x]", "__proto__"]), self.any_json()))
        if found and choice.random() < 0.04:
            found.append(choice.choice(found))
        choice.shuffle(found)
        return found

    def json_body(self, pairs: Pairs) -> bytes:
        space = self.random.choice(["", "", " ", "\n\t"])
        text = "{" + f",{space}".join(f"{json.dumps(name)}:{space}{value}" for name, value in pairs) + "}"
        return self.broken(text.encode("utf-8", "surrogatepass"))

    def broken(self, body: bytes) -> bytes:
        if self.random.random() > 0.04:
            return body
        wraps = [
            b"[%b]",
            b"\xef\xbb\xbf%b",
            b"%b,",
            b" %b\n",
            b"%b%b",
            b"\xff%b",
            b"null",
            b'"x"',
            b"",
            b"[" * 50,
            b'{"a":' * 30,
            b"%b\x00",
        ]
        return self.random.choice(wraps).replace(b"%b", body)

    def form(self, pairs: Pairs) -> bytes:
        fields = [one for name, value in pairs for one in self.flat(name, value)]
        quoted = [f"{self.escaped(name, '[]')}={self.escaped(value, '')}" for name, value in fields]
        return self.broken("&".join(quoted).encode())

    def escaped(self, text: str, safe: str) -> str:
        raw = text.encode("utf-8", "surrogatepass")
        return quote_plus(raw, safe) if self.random.random() < 0.5 else quote(raw, safe)

    def flat(self, name: str, text: str) -> Pairs:
        try:
            value = json.loads(text)
        except ValueError:
            return [(name, text)]
        return list(self.fields(name, value))

    def fields(self, name: str, value: Any) -> Pairs:
        """As the official SDKs write it."""
        if isinstance(value, dict) and value:
            return [one for key, item in value.items() for one in self.fields(f"{name}[{key}]", item)]
        if isinstance(value, list) and value:
            brackets = "" if self.random.random() < 0.5 else None
            return [
                one for index, item in enumerate(value) for one in self.fields(f"{name}[{index if brackets is None else brackets}]", item)
            ]
        said = {True: "true", False: "false"}.get(value, value) if isinstance(value, bool) else value
        return [(name, "" if said in (None, [], {}) else str(said))]

    def write(self) -> Strange:
        path, good, others = self.random.choice([self.create, self.create, self.act, self.refund, self.transfer])()
        pairs = self.pairs(good, others)
        if self.random.random() < 0.5:
            kind, body = "application/json", self.json_body(pairs)
        else:
            kind, body = "application/x-www-form-urlencoded", self.form(pairs)
        if self.random.random() < 0.03:
            kind = self.random.choice(KINDS)
        query = self.random.choice(["expand[]=customer", "a=b", "?"]) if self.random.random() < 0.02 else ""
        return Strange("POST", path, query, body, {"Content-Type": kind} | self.header(), self.key())

    def create(self) -> tuple[str, Pairs, list[str]]:
        good = [("amount", "2000"), ("currency", '"eur"'), ("payment_method", '"pm_card_visa"'), ("confirm", "true")]
        others = ["customer", "capture_method", "confirmation_method", "automatic_payment_methods", "description", "statement_descriptor"]
        others += [
            "statement_descriptor_suffix",
            "metadata",
            "metadata",
            "transfer_group",
            "payment_method_types",
            "payment_method_options",
        ]
        others += [
            "return_url",
            "off_session",
            "error_on_requires_action",
            "receipt_email",
            "setup_future_usage",
            "shipping",
            "expand",
            "use_stripe_sdk",
        ]
        return INTENTS, good[: self.random.choice([2, 3, 4])], others

    def act(self) -> tuple[str, Pairs, list[str]]:
        others = {
            "confirm": ["payment_method", "return_url", "off_session", "receipt_email", "shipping", "expand", "payment_method_options"],
            "capture": ["amount_to_capture", "final_capture", "expand"],
            "cancel": ["cancellation_reason", "expand"],
        }
        verb = self.random.choice(list(others))
        return f"{INTENTS}/{self.path_id('pi')}/{verb}", [], others[verb]

    def refund(self) -> tuple[str, Pairs, list[str]]:
        named = self.random.choice(["payment_intent", "charge"])
        return (
            "/v1/refunds",
            [(named, self.one(named)), ("amount", "7")][: self.random.choice([1, 2])],
            ["reason", "metadata", "expand", "charge"],
        )

    def transfer(self) -> tuple[str, Pairs, list[str]]:
        good = [("amount", "3"), ("currency", '"eur"'), ("destination", self.one("destination"))]
        return "/v1/transfers", good, ["description", "metadata", "transfer_group", "source_type", "expand"]

    def path_id(self, kind: str) -> str:
        if self.random.random() < 0.8 and self.ids.get(kind):
            return self.random.choice(self.ids[kind])
        bad = ["%20", "%00", "%2F", "..", "%2e%2e", "%F0%9F%92%A9", "%ff", "a;b", "*", "pi_x%0A", "null", "%25", "pi_" + "%30" * 26]
        return self.random.choice([*bad, *(quote(one, safe="") or "-" for one in known(self.ids, kind))])

    def header(self) -> dict[str, str]:
        return dict(self.random.choice(HEADERS)) if self.random.random() < 0.1 else {}

    def key(self) -> str:
        return self.random.choice(KEYS) if self.random.random() < 0.05 else "test"

    def read(self) -> Strange:
        kind = self.random.choice(["list", "list", "one", "one", "balance"])
        path = {"list": INTENTS, "one": f"{INTENTS}/{self.path_id('pi')}", "balance": "/v1/balance"}[kind]
        query = "&".join(self.filters(kind))
        if self.random.random() < 0.05:
            path = self.random.choice(
                [path + "/", path.replace("/v1/", "//v1/"), path.replace("/v1/", "/v1//"), path.upper(), path + "%0a", path + ";x"]
            )
        method = self.random.choice(["HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "get"]) if self.random.random() < 0.04 else "GET"
        body = self.random.choice([b"{}", b"a=b", b"\x00"]) if self.random.random() < 0.02 else b""
        return Strange(method, path, query, body, self.header(), self.key())

    def filters(self, kind: str) -> list[str]:
        some = self.random.choice([0, 0, 1, 1, 2, 3])
        makers = [self.expand_query] if kind != "list" else [self.expand_query, self.limit, self.cursor, self.created, self.of_customer]
        found = [self.random.choice(makers)(kind) for _ in range(some)]
        if self.random.random() < 0.05:
            found.append(
                self.random.choice(
                    ["x=1", "limit", "=1", "&", "%", "%zz", "%ff=1", "a%00=1", "status=succeeded", "expand=customer", "é=1", "[]=1", "a[=1"]
                )
            )
        return found

    def expand_query(self, kind: str) -> str:
        before = "data." if (kind == "list") == (self.random.random() < 0.9) else ""
        index = self.random.choice(["", "", "0", "1", "%5B%5D"])
        return f"expand[{index}]={before}{self.random.choice(EXPANDS[:4] if self.random.random() < 0.8 else EXPANDS)}"

    def limit(self, kind: str) -> str:
        return "limit=" + self.random.choice(
            ["0", "1", "2", "3", "100", "101", "abc", "", "-1", "1.0", "٣", "1e1", "010", "+5", "%205", "9" * 30]
        )

    def cursor(self, kind: str) -> str:
        cursors = [*self.ids.get("pi", []), *self.ids.get("theirs", []), *known(self.ids, "pi"), *self.ids.get("ch", [])]
        return f"{self.random.choice(['starting_after', 'ending_before'])}={quote(self.random.choice(cursors))}"

    def created(self, kind: str) -> str:
        seconds = [
            "0",
            "1",
            "-1",
            "1700000000",
            "9999999999",
            "253402300799",
            "253402300800",
            "abc",
            "",
            "1.5",
            *self.ids.get("seconds", []),
        ]
        return f"created{self.random.choice(['', '[gt]', '[gte]', '[lt]', '[lte]', '[eq]', '[]'])}={self.random.choice(seconds)}"

    def of_customer(self, kind: str) -> str:
        return f"customer={quote(self.random.choice(known(self.ids, 'cus')))}"
