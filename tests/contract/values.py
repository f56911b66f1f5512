"""What is said in requests that nobody would think of: right values and wrong ones, as JSON."""

import json

# JSON as it is sent. Python would not write all of these.
NUMBERS = [
    "0",
    "-1",
    "1",
    "99",
    "1e3",
    "1.0",
    "1.5",
    "-0",
    "01",
    "100000000000",
    "99999999999",
    "9223372036854775807",
    "9223372036854775808",
]
NUMBERS += ["1" + "0" * 30, "1e400", "NaN", "Infinity", '"100"', '" 5"', '"1e3"', '"٥"', "true", "null", '""', "[]", "{}", "[1]"]
TEXTS = [
    "plain",
    "",
    " ",
    "é",
    "e\u0301",
    "日本語",
    "👩‍👩‍👧‍👦",
    "🏳️‍🌈",
    "\x00",
    "a\x00b",
    "\x07",
    "\x1b[31m",
    "\x7f",
    "\u202e",
    "\u200b",
    "\ufeff",
    "a\tb\nc",
    "<b>",
]
TEXTS += [
    "\\",
    '"',
    "'; DROP TABLE x; --",
    "%s %(id)s %%",
    "{0}",
    "a" * 250,
    "a" * 251,
    "é" * 500,
    "x" * 1001,
    "4242 4242 4242 4242",
    "\U000e0041",
]
TEXTS += ["null", "true", "0", "\ud83d", "\u2028", "&=[]+%", "sk_test_x", "null\u0301", "İ", "ß", "\u00a0", "\U0010ffff", "\uffff"]
ANY = [*(json.dumps(text) for text in TEXTS), "null", "[]", "{}", "true", "5", '{"a":1}', '["a"]', "[[]]", '"\\ud83d"', '"\\u0000"']
CURRENCIES = ["eur", "usd", "jpy", "kwd", "bhd", "isk", "huf", "clf", "EUR", "xxx", "", "eu", "euro", "eur\n", " eur"]
COUNTRIES = ["NL", "nl", "", "XX", "NLD", "🇳🇱"]
METHODS = ["pm_card_visa", "pm_card_mastercard", "pm_card_chargeDeclined", "pm_card_authenticationRequired", "pm_card_nobody", "visa", ""]
EXPANDS = [
    "customer",
    "payment_method",
    "latest_charge",
    "latest_charge.balance_transaction",
    "charge",
    "balance_transaction",
    "payment_intent",
]
EXPANDS += [
    "invoice",
    "latest_charge.customer",
    "a.b.c.d.e",
    "",
    "customer.",
    ".customer",
    "Customer",
    "data",
    "data.",
    "data.data.customer",
    "*",
]
HEADERS = [
    {"Accept": "text/html"},
    {"Accept": "application/xml;q=1, */*;q=0"},
    {"Accept": ""},
    {"Stripe-Version": "2020-08-27"},
    {"Stripe-Version": "yesterday"},
    {"Stripe-Account": "acct_1"},
    {"X-HTTP-Method-Override": "DELETE"},
    {"X-Request-Id": "req_mine"},
    {"Request-Id": "req_mine"},
    {"X-Stripe-Client-User-Agent": "{}"},
    {"Idempotency-Key": ""},
    {"Idempotency-Key": "a" * 256},
    {"Idempotency-Key": "é"},
    {"Idempotency-Key": "4242424242424242"},
    {"Accept-Encoding": "gzip"},
    {"Accept-Language": "de, ar;q=0.5"},
    {"If-None-Match": "*"},
    {"If-Modified-Since": "Sat, 29 Oct 2095 19:43:31 GMT"},
    {"Range": "bytes=0-10"},
    {"Origin": "https://evil.example"},
    {"Cookie": "sessionid=x; csrftoken=y"},
    {"Content-Encoding": "gzip"},
    {"Content-Encoding": "identity"},
    {"Host": "evil.example"},
    {"Host": ""},
    {"Host": "localhost:99999"},
    {"Transfer-Encoding": "chunked"},
    {"X-Forwarded-Host": "evil.example"},
    {"Underscored_Name": "x"},
]
KEYS = ["live", "reads", "none", "wrong", "basic", "lower", "another"]
KINDS = ["application/json", "application/json; charset=utf-8", "application/json; charset=latin-1", "APPLICATION/JSON", "text/plain", ""]
KINDS += [
    "application/x-www-form-urlencoded",
    "application/x-www-form-urlencoded; charset=UTF-8",
    "multipart/form-data; boundary=x",
    "application/json,text/html",
]

Ids = dict[str, list[str]]
Pools = dict[str, list[str]]


def texts(options: list[str]) -> list[str]:
    return [json.dumps(one) for one in options]


def known(ids: Ids, kind: str) -> list[str]:
    """Ids of that kind: some are there, some are made up, some are none."""
    made_up = [f"{kind}_" + "0" * 26, f"{kind}_" + "7" + "z" * 25, f"{kind}_" + "8" + "0" * 25, f"{kind}_no", "", kind.upper(), "x" * 65]
    return [*ids.get(kind, []), *made_up]


def wrong(ids: Ids) -> Pools:
    """Values by parameter, most of which it does not take."""
    return {
        "amount": NUMBERS,
        "amount_to_capture": [*NUMBERS, "100"],
        "currency": texts(CURRENCIES),
        "payment_method": texts([*METHODS, *ids.get("pm", [])]),
        "customer": texts(known(ids, "cus")),
        "confirm": ["true", "false", '"true"', "1", "null"],
        "capture_method": texts(["automatic", "manual", "automatic_async", "never", ""]),
        "payment_method_types": ['["card"]', '["card","card"]', "[]", '["ideal"]', '"card"', "null"],
        "automatic_payment_methods": ['{"enabled":true}', '{"enabled":false,"allow_redirects":"never"}', "{}", "null", "true"],
        "payment_method_options": [
            "{}",
            '{"card":{}}',
            '{"card":null}',
            '{"card":{"request_three_d_secure":"any"}}',
            '{"ideal":{}}',
            "null",
        ],
        "setup_future_usage": texts(["on_session", "off_session", "", "x"]),
        "off_session": ["true", "false", "null", '"one_off"'],
        "error_on_requires_action": ["true", "false", "null"],
        "return_url": texts(
            ["https://shop.example/done?a=1#x", "javascript:alert(1)", "http://u:p@x", "//x", "https://x\n", "https://é.example"]
        ),
        "receipt_email": texts(["ada@example.com", "ada@@example.com", "", "é@example.com", "a" * 250 + "@x.nl", "ada@example.com\n"]),
        "statement_descriptor": texts(["SOCKS", "a" * 23, "<x>", "", "Sócks", "5"]),
        "reason": texts(["duplicate", "fraudulent", "requested_by_customer", "bored", ""]),
        "cancellation_reason": texts(["duplicate", "abandoned", "bored", ""]),
        "payment_intent": texts(known(ids, "pi")),
        "charge": texts(known(ids, "ch")),
        "destination": texts([*known(ids, "acct"), "bank"]),
        "source_type": texts(["card", "bank"]),
        "final_capture": ["true", "false", "null"],
    }


def right(ids: Ids) -> Pools:
    """Values by parameter, which it takes if they suit the rest of the request."""
    address = '{"line1":"Main Street 1","line2":null,"city":"東京","country":"JP","postal_code":"1","state":""}'
    pools: Pools = {
        "amount": ["1", "99", "2000", "99999999999"],
        "amount_to_capture": ["1", "100", "10000"],
        "currency": texts(["eur", "usd", "jpy", "kwd", "isk"]),
        "payment_method": texts(METHODS[:4]),
        "customer": texts(ids.get("cus", [])),
        "confirm": ["true", "true", "false"],
        "capture_method": texts(["automatic", "manual", "automatic_async"]),
        "confirmation_method": texts(["automatic", "manual"]),
        "automatic_payment_methods": ['{"enabled":true}', '{"enabled":true,"allow_redirects":"never"}', "null"],
        "payment_method_options": ["{}", '{"card":{}}', '{"card":{"request_three_d_secure":"automatic"}}'],
        "payment_method_types": ['["card"]'],
        "description": texts(["Socks 🧦", "é" * 1000, "\t\n", "İstanbul", '\\"/', "\u00a0"]),
        "statement_descriptor": texts(["SOCKS", "5"]),
        "statement_descriptor_suffix": texts(["Sö", "SUFFIX"]),
        "metadata": [
            '{"order":"7","b":"\\u00e9\\ud83d\\ude00","":""}',
            '{"b":"","a":"1","aa":"","é":"\\\\"}',
            "{}",
            "null",
            '{"n":"0"}',
        ],
        "shipping": ['{"name":"Ada","phone":null,"address":' + address + "}", "null"],
        "return_url": texts(["https://shop.example/done?a=1#x", "HTTP://shop.example:8000"]),
        "receipt_email": texts(["ada@example.com"]),
        "setup_future_usage": texts(["on_session", "off_session"]),
        "off_session": ["true", "false"],
        "error_on_requires_action": ["true", "false"],
        "use_stripe_sdk": ["true"],
        "transfer_group": texts(["g", "g" * 250]),
        "expand": [
            '["latest_charge.balance_transaction","payment_method"]',
            '["customer","customer"]',
            '["balance_transaction"]',
            '["charge"]',
        ],
        "payment_intent": texts(ids.get("pi", [])),
        "charge": texts(ids.get("ch", [])),
        "destination": texts(ids.get("acct", [])),
        "reason": texts(["duplicate", "fraudulent", "requested_by_customer"]),
        "cancellation_reason": texts(["duplicate", "abandoned"]),
        "source_type": ['"card"'],
        "final_capture": ["true"],
    }
    return {name: values for name, values in pools.items() if values}
