"""No address that a customer gives us leads inside."""

from collections.abc import Sequence

import pytest
from channel_gateway.domain.outgoing_addresses import OutgoingAddresses, is_global
from kernel.errors import DomainError

PUBLIC = ["93.184.216.34", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"]
POINTER = "/waha_config/base_url"


async def resolve(host: str, port: int) -> Sequence[str]:
    found = {
        "mixed.example.com": [PUBLIC[0], "10.0.0.1"],
        "inside.example.com": ["169.254.169.254"],
        "mapped.example.com": ["::ffff:10.0.0.1"],
        "empty.example.com": [],
    }
    if host == "unknown.example.com":
        raise OSError("no such host")
    return found.get(host, PUBLIC)


def addresses(*allowed: str) -> OutgoingAddresses:
    return OutgoingAddresses(resolve, allowed=allowed, own_hosts=["crm.example.org:443", "127.0.0.1:8080"])


REFUSED = {
    "http://x.com": "scheme",
    "ftp://x.com": "scheme",
    "file:///etc/passwd": "scheme",
    "gopher://x.com": "scheme",
    "//x.com": "scheme",
    "x.com": "scheme",
    "https://user@x.com": "user_info",
    "https://user:password@x.com": "user_info",
    "https://x.com:22": "port",
    "https://x.com:0": "port",
    "https://x.com:99999": "form",
    "https://x.com:8080": "port",
    "https://localhost": "host_name",
    "https://LOCALHOST.": "host_name",
    "https://a.localhost": "host_name",
    "https://printer.local": "host_name",
    "https://box.lan": "host_name",
    "https://box.home.arpa": "host_name",
    "https://127.0.0.1": "public_address",
    "https://127.1": "ip_form",
    "https://2130706433": "ip_form",
    "https://0x7f000001": "ip_form",
    "https://0177.0.0.1": "ip_form",
    "https://0x7f.0.0.1": "ip_form",
    "https://0": "ip_form",
    "https://1.2.3.4.5": "ip_form",
    "https://[::1]": "public_address",
    "https://[::]": "public_address",
    "https://[::ffff:127.0.0.1]": "ip_form",
    "https://[::ffff:7f00:1]": "public_address",
    "https://[0:0:0:0:0:0:0:1]": "ip_form",
    "https://[64:ff9b::7f00:1]": "public_address",
    "https://[64:ff9b:1::1]": "public_address",
    "https://[2002:7f00:1::]": "public_address",
    "https://[2001:0:7f00:1::]": "public_address",
    "https://[2001::1]": "public_address",
    "https://[fe80::1%25eth0]": "zone",
    "https://[fe80::1]": "public_address",
    "https://[fd00::1]": "public_address",
    "https://[ff02::1]": "public_address",
    "https://[2001:db8::1]": "public_address",
    "https://10.0.0.1": "public_address",
    "https://172.16.0.1": "public_address",
    "https://192.168.1.1": "public_address",
    "https://100.64.0.1": "public_address",
    "https://169.254.169.254": "public_address",
    "https://192.0.2.1": "public_address",
    "https://metadata.google.internal": "host_name",
    "https://metadata": "host_name",
    "https://kubernetes.default.svc": "host_name",
    "https://kubernetes.default": "host_name",
    "https://gateway.ventros.svc.cluster.local": "host_name",
    "https://224.0.0.1": "public_address",
    "https://255.255.255.255": "public_address",
    "https://198.18.0.1": "public_address",
    "https://１２７.0.0.1": "public_address",
    "https://ｌocalhost": "host_name",
    "https://x.com\\@127.0.0.1": "characters",
    "https://x.com#@127.0.0.1": "fragment",
    "https://x.com#fragment": "fragment",
    "https://x.com?a=b": "query",
    "https://x.com/\tb": "characters",
    "https://x.com/\n": "characters",
    " https://x.com": "characters",
    "https://x.com /": "characters",
    "https://x%2ecom": "host",
    "https://-x.com": "host",
    "https://x..com": "host",
    "https://": "host",
    "https://[not-an-address]": "form",
    f"https://x.com/{'a' * 2048}": "length",
    "https://mixed.example.com": "public_address",
    "https://inside.example.com": "public_address",
    "https://mapped.example.com": "public_address",
    "https://empty.example.com": "resolves",
    "https://unknown.example.com": "resolves",
}


@pytest.mark.parametrize("url", REFUSED)
async def test_an_address_that_leads_inside_is_refused_by_the_name_of_the_rule(url: str) -> None:
    with pytest.raises(DomainError) as refusal:
        await addresses().checked(url, POINTER)
    assert refusal.value.code == "url_not_allowed"
    assert refusal.value.facts == {"rule": REFUSED[url]}
    assert refusal.value.fields[0].pointer == POINTER
    told = f"{refusal.value} {refusal.value.fields}"
    assert not any(address in told for address in ("10.0.0.1", "169.254.169.254", "127.0.0.1"))


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("https://waha.example.com", "https://waha.example.com"),
        ("https://WAHA.Example.com/", "https://waha.example.com"),
        ("https://waha.example.com.:443/waha/", "https://waha.example.com/waha"),
        ("https://waha.example.com:8443", "https://waha.example.com:8443"),
        ("https://93.184.216.34", "https://93.184.216.34"),
        ("https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]", "https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
    ],
)
async def test_a_public_address_passes_in_its_one_normal_form(url: str, normal: str) -> None:
    assert await addresses().checked(url, POINTER) == normal


async def test_what_the_operator_lists_passes_at_that_host_and_port_only() -> None:
    listed = addresses("127.0.0.1:3000", "waha:3000")
    assert await listed.checked("http://127.0.0.1:3000/", POINTER) == "http://127.0.0.1:3000"
    assert await listed.checked("http://WAHA:3000", POINTER) == "http://waha:3000"
    for url in (
        "http://127.0.0.1:3001",
        "http://127.0.0.1",
        "https://127.0.0.1:443",
        "http://waha",
        "http://waha.:3001",
    ):
        with pytest.raises(DomainError):
            await listed.checked(url, POINTER)
    for url in ("http://user@waha:3000", "http://127.1:3000", "ftp://waha:3000"):
        with pytest.raises(DomainError):
            await listed.checked(url, POINTER)


async def test_our_own_address_is_refused_as_a_loop() -> None:
    with pytest.raises(DomainError) as refusal:
        await addresses().checked("https://crm.example.org/api", POINTER)
    assert refusal.value.code == "loop_detected"


@pytest.mark.parametrize("text", ["93.184.216.34", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_public_addresses_are_global(text: str) -> None:
    assert is_global(text)


@pytest.mark.parametrize(
    "text", ["", "x", "127.0.0.1", "::ffff:10.0.0.1", "192.88.99.1", "2002:808:808::1", "fe80::1%eth0"]
)
def test_everything_else_is_not(text: str) -> None:
    assert not is_global(text)
