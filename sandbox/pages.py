"""The pages a customer sees at the sandbox bank. No script; every value is escaped."""

import base64
import hashlib
from decimal import Decimal
from html import escape
from urllib.parse import quote, urlsplit, urlunsplit

from sandbox import tokens
from sandbox.engine import Operation
from sandbox.money import major

_STYLE = """
:root{color-scheme:light dark;--ink:#16202e;--soft:#5b6778;--line:#e3e8ef;--card:#fff;--ground:#eef2f7;
--brand:#1f5eff;--on:#fff;--quiet:#f4f6fa;--warn:#8a5a00;--warnbg:#fff5dd}
@media(prefers-color-scheme:dark){:root{--ink:#e8edf5;--soft:#9aa7ba;--line:#2b3646;--card:#18212e;
--ground:#0e141d;--brand:#3a6ff0;--on:#fff;--quiet:#202b3a;--warn:#ffd27a;--warnbg:#33290f}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:flex;align-items:center;justify-content:center;padding:24px 16px;
background:var(--ground);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{width:100%;max-width:440px;background:var(--card);border:1px solid var(--line);border-radius:16px;
box-shadow:0 12px 32px rgba(16,32,64,.10);overflow:hidden}
header{display:flex;align-items:center;gap:12px;padding:20px 28px;border-bottom:1px solid var(--line)}
.mark{width:36px;height:36px;border-radius:10px;background:var(--brand);color:var(--on);display:grid;
place-items:center;font-weight:700;font-size:18px}
.bank{font-weight:650}.bank small{display:block;font-weight:400;color:var(--soft);font-size:13px}
section{padding:28px}
h1{font-size:20px;line-height:1.3;margin:0 0 4px;font-weight:650}
p{margin:0;color:var(--soft)}
.amount{font-size:40px;line-height:1.15;font-weight:700;letter-spacing:-.02em;margin:24px 0 20px;
color:var(--ink);font-variant-numeric:tabular-nums}
.amount span{font-size:18px;font-weight:600;color:var(--soft);margin-left:8px;letter-spacing:0}
dl{margin:0 0 28px;border:1px solid var(--line);border-radius:12px;overflow:hidden}
dl div{display:flex;justify-content:space-between;gap:16px;padding:11px 16px;font-size:14px}
dl div+div{border-top:1px solid var(--line)}
dt{color:var(--soft);white-space:nowrap}dd{margin:0;text-align:right;overflow-wrap:anywhere;font-weight:500}
form{margin:0}
.buttons{display:grid;grid-template-columns:1fr 1fr;gap:12px}
button,a.button{display:block;width:100%;padding:13px 16px;border-radius:10px;border:1px solid var(--line);
font:inherit;font-weight:600;cursor:pointer;text-align:center;text-decoration:none;background:var(--quiet);
color:var(--ink)}
button.go,a.go{background:var(--brand);border-color:var(--brand);color:var(--on)}
button:hover,a.button:hover{filter:brightness(1.06)}
button:focus-visible,a:focus-visible{outline:3px solid var(--brand);outline-offset:2px}
a.button{margin-top:24px}
footer{padding:14px 28px;background:var(--warnbg);color:var(--warn);font-size:13px}
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

# No `form-action`: browsers apply it to the redirect that follows the form as well, and that leads to the merchant.
HEADERS = (
    (b"content-type", b"text/html; charset=utf-8"),
    (
        b"content-security-policy",
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; frame-ancestors 'none'".encode(),
    ),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
)


def question(operation: Operation) -> bytes:
    """Asks the customer to approve or decline. The forms post to the page's own address, query and all."""
    body = f"""<h1>Approve this payment?</h1>
<p>Your bank wants to be sure that it is you.</p>
{_summary(operation)}
<div class="buttons">
<form method="post"><input type="hidden" name="action" value="decline"><button>Decline</button></form>
<form method="post"><input type="hidden" name="action" value="approve"><button class="go">Approve</button></form>
</div>"""
    return _page("Approve this payment?", body)


def done(operation: Operation, return_url: str | None) -> bytes:
    """Says how the payment ended, with the way back to the merchant where that is an ordinary address."""
    title, words = _ending(operation)
    back = with_status(return_url, operation)
    button = f'<a class="button go" rel="noreferrer" href="{escape(back)}">Back to the shop</a>' if back else ""
    return _page(title, f"<h1>{title}</h1>\n<p>{words}</p>\n{_summary(operation)}\n{button}")


def missing() -> bytes:
    return _page("No such payment", "<h1>No such payment</h1><p>Nothing waits for your approval here.</p>")


def with_status(return_url: str | None, operation: Operation) -> str | None:
    """`return_url` with `redirect_status` added, in ASCII; None unless it is a plain http or https address."""
    try:
        parts = urlsplit(return_url or "")
        usable = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc
    except ValueError:
        return None
    if not usable:
        return None
    status = f"redirect_status={'succeeded' if succeeded(operation) else 'failed'}"
    query = f"{parts.query}&{status}" if parts.query else status
    host = parts.netloc.encode("idna").decode() if not parts.netloc.isascii() else parts.netloc
    return quote(urlunsplit((parts.scheme, host, parts.path, query, parts.fragment)), safe="/:?#[]@!$&'()*+,;=%~")


def succeeded(operation: Operation) -> bool:
    return operation.status in ("authorized", "captured") and not operation.voided


def _ending(operation: Operation) -> tuple[str, str]:
    if operation.voided:
        return "Payment withdrawn", "The merchant withdrew this payment. Nothing was charged."
    if succeeded(operation):
        return "Payment approved", "Thank you. You can close this page."
    return "Payment declined", "Nothing was charged. You can close this page."


def _summary(operation: Operation) -> str:
    entry = operation.entry
    currency = entry.currency or ""
    token = tokens.find(entry.payment_method or "")
    rows = [
        ("For", entry.description),
        ("Order", entry.merchant_reference),
        ("Card", f"{token.brand.title()} •••• {token.last4}"),
        ("Reference", entry.reference),
    ]
    shown = "".join(f"<div><dt>{name}</dt><dd>{escape(value)}</dd></div>" for name, value in rows if value)
    amount = f"{Decimal(major(entry.amount or 0, currency)):,f}<span>{escape(currency.upper())}</span>"
    return f'<div class="amount">{amount}</div>\n<dl>{shown}</dl>'


def _page(title: str, body: str) -> bytes:
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>{title} · Sandbox Bank</title><style>{_STYLE}</style></head>
<body><main>
<header><div class="mark" aria-hidden="true">S</div><div class="bank">Sandbox Bank<small>Card security</small></div>
</header>
<section>
{body}
</section>
<footer>This is a test bank. No real money moves.</footer>
</main></body></html>
""".encode()
