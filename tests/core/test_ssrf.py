"""Where a merchant's URL may lead."""

import pytest

from apps.core import ssrf

_NOT_PUBLIC = """
127.0.0.1 127.1.2.3 0.0.0.0 10.0.0.1 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1 100.127.255.254 192.0.0.9 192.0.2.1
192.88.99.1 198.18.0.1 198.51.100.7 203.0.113.7 224.0.0.1 239.1.1.1 240.0.0.1 255.255.255.255 168.63.129.16
:: ::1 ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::7f00:1 ::8.8.8.8 64:ff9b::7f00:1 64:ff9b::808:808 64:ff9b:1::1 2002:7f00:1:: 2002:808:808::
2001::1 2001:0:53aa:64c:0:fbff:fff5:f5f5 2001:10::1 2001:20::1 2001:db8::1 3fff::1 5f00::1 100::1 fc00::1 fd12:3456::1 fe80::1 fe80::1%lo
fec0::1 ff02::1 ff0e::1 4000::1
"""

NOT_PUBLIC = _NOT_PUBLIC.split()
PUBLIC = ["1.1.1.1", "8.8.8.8", "93.184.216.34", "2606:4700:4700::1111", "2a00:1450:4001:81b::200e"]

REFUSED_URLS = [
    # scheme
    "http://example.com/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://example.com/",
    "//example.com/",
    "example.com",
    "",
    "https:example.com",
    "https:/example.com",
    # addresses in every spelling
    "https://127.0.0.1/",
    "https://0/",
    "https://0.0.0.0/",
    "https://2130706433/",
    "https://0x7f.1/",
    "https://0x7f000001/",
    "https://0177.0.0.1/",
    "https://127.1/",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[fe80::1%lo]/",
    "https://[fe80::1%25lo]/",
    "https://169.254.169.254/latest/meta-data/",
    "https://100.64.0.1/",
    "https://１２７.0.0.1/",
    "https://127。0。0。1/",
    # names that stay at home
    "https://localhost/",
    "https://LOCALHOST/",
    "https://a.localhost/",
    "https://printer.local/",
    "https://metadata.google.internal/",
    "https://intranet/",
    "https://example.com./",
    "https://ex_ample..com/",
    "https://[example.com]/",
    "https://-a.example.com/",
    # user names, ports, parser tricks
    "https://user@example.com/",
    "https://user:password@example.com/",
    "https://example.com@127.0.0.1/",
    "https://example.com:22/",
    "https://example.com:6379/",
    "https://example.com:80/",
    "https://example.com:0/",
    "https://example.com:99999/",
    "https://example.com:٤٤٣/",
    "https://example.com:/",
    "https://example.com:443:443/",
    "https://example.com\\@127.0.0.1/",
    "https://127.0.0.1\\.example.com/",
    "https://exa mple.com/",
    "https://example.com/\r\nX: y",
    "https://example.com/\x00",
    "https://bücher.example/",
    "https://example.com/" + "a" * 2048,
]


@pytest.mark.parametrize("ip", NOT_PUBLIC)
def test_an_address_outside_the_public_internet_is_refused(ip):
    with pytest.raises(ssrf.Blocked):
        ssrf.assert_public(ip)


@pytest.mark.parametrize("ip", PUBLIC)
def test_a_public_address_is_allowed(ip):
    ssrf.assert_public(ip)


@pytest.mark.parametrize("ip", ["", "example.com", "0x7f.1", "2130706433", "127.1", "0177.0.0.1", "[::1]", "1.1.1.1 "])
def test_what_is_not_a_plain_address_is_refused(ip):
    with pytest.raises(ssrf.Blocked):
        ssrf.assert_public(ip)


@pytest.mark.parametrize("url", REFUSED_URLS)
def test_a_url_that_could_lead_inside_is_refused(url):
    with pytest.raises(ssrf.Blocked):
        ssrf.check_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "https://Example.COM/hooks?a=b#c",
        "https://hooks.example.com:8443/florin",
        "https://hooks.example.com:443?x=@y:z",
        "https://xn--bcher-kva.example/",
        "https://1.1.1.1/hook",
        "https://[2606:4700:4700::1111]:8443/hook",
    ],
)
def test_a_public_https_url_is_allowed(url):
    ssrf.check_url(url)


def test_the_platform_does_not_call_itself():
    with pytest.raises(ssrf.Blocked):
        ssrf.check_url("https://API.florin.example/v1/payment_intents", own_host="api.florin.example")
    ssrf.check_url("https://hooks.merchant.example/", own_host="api.florin.example")
