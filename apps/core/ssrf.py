"""Which URLs and addresses the platform may call when a merchant chooses the URL.

Only https, ports 443 and 8443, and only addresses that belong to the public Internet. A URL is
checked as text when it is saved and before each call; the addresses behind its name are checked
again when the connection is made, because a name may point elsewhere by then.
"""

import ipaddress
import re

PORTS = frozenset({443, 8443})
MAX_URL = 2048

_AUTHORITY = re.compile(r"https://(?P<host>\[[^\[\]/?#@]*\]|[^\[\]:/?#@]+)(?::(?P<port>[0-9]{1,5}))?(?:[/?#]|\Z)", re.ASCII | re.IGNORECASE)
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII | re.IGNORECASE)
_PRIVATE_NAMES = ("localhost", "local", "internal", "intranet", "lan", "onion", "home.arpa", "in-addr.arpa", "ip6.arpa")

# What `is_global` lets through although nobody's web server lives there.
_V4_REFUSED = tuple(
    ipaddress.IPv4Network(block)
    for block in (
        "100.64.0.0/10",  # carrier-grade NAT
        "168.63.129.16/32",  # a cloud's own metadata service
        "192.0.0.0/24",  # protocol assignments
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # automatic multicast tunnelling
        "192.88.99.0/24",  # 6to4 relays
        "192.175.48.0/24",  # AS112
    )
)
_V6_GLOBAL = ipaddress.IPv6Network("2000::/3")
_V6_REFUSED = tuple(
    ipaddress.IPv6Network(block)
    for block in (
        "2001::/23",  # protocol assignments: Teredo, ORCHID, benchmarks
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: an IPv4 address in disguise
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
)


class Blocked(OSError):
    """The URL or address may not be called; the text says why. An OSError, so that HTTP clients treat
    it like any other failure to connect."""


def assert_public(ip: str) -> None:
    """Returns only if `ip` is an address of the public Internet. Raises Blocked.

    IPv6 forms that carry an IPv4 address (mapped, compatible, NAT64, 6to4, Teredo) are refused
    whatever they carry: no public server is reached only through one.
    """
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        raise Blocked(f"{ip} is not an IP address") from None
    if not (_public_v4(address) if isinstance(address, ipaddress.IPv4Address) else _public_v6(address)):
        raise Blocked(f"{ip} is not a public address")


def _public_v4(address: ipaddress.IPv4Address) -> bool:
    if not address.is_global or address.is_multicast or address.is_reserved:
        return False
    return not any(address in block for block in _V4_REFUSED)


def _public_v6(address: ipaddress.IPv6Address) -> bool:
    if address.scope_id is not None or address not in _V6_GLOBAL or not address.is_global:
        return False
    return not any(address in block for block in _V6_REFUSED)


def check_url(url: str, *, own_host: str = "") -> None:
    """Returns only if `url` is one that may be called, as far as its text tells. Raises Blocked.

    `own_host` is the platform's own public name, which is refused as well.
    """
    host, port = split_authority(url)
    if port not in PORTS:
        raise Blocked("the port must be 443 or 8443")
    if host.startswith("["):
        assert_public(host[1:-1])
    elif re.fullmatch(r"[0-9.]+", host, re.ASCII):
        assert_public(host)
    else:
        _check_name(host)
    if own_host and host == own_host.lower():
        raise Blocked("the address is the platform's own")


def split_authority(url: str) -> tuple[str, int]:
    """The host (lower case) and port of an https URL. Raises Blocked for anything that two parsers
    could read differently: user names, spaces, backslashes, non-ASCII, odd brackets."""
    if len(url) > MAX_URL:
        raise Blocked(f"the URL is longer than {MAX_URL} characters")
    if not all("!" <= character <= "~" for character in url) or "\\" in url:
        raise Blocked("the URL may hold printable ASCII characters only")
    found = _AUTHORITY.match(url)
    if found is None:
        raise Blocked("expected https://<host>[:port]/…, without a user name")
    return found["host"].lower(), int(found["port"] or 443)


def _check_name(host: str) -> None:
    """Refuses names that are not plain DNS names of the public tree. A last label that starts with a
    digit is a number in disguise (`0x7f.1`, `2130706433`)."""
    labels = host.split(".")
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise Blocked("the host is not a DNS name")
    if len(labels) < 2 or labels[-1][0].isdigit():
        raise Blocked("the host is not a public DNS name")
    if any(host == name or host.endswith("." + name) for name in _PRIVATE_NAMES):
        raise Blocked("the host is a private name")
