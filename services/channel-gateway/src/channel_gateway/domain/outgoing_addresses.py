"""Which addresses that customers give us may be called: no way from outside into our network.

An address is checked before it is stored, and again at each connect: names may point elsewhere by then.
"""

import re
import unicodedata
from collections.abc import Awaitable, Callable, Collection, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from kernel.errors import DomainError, FieldError

LONGEST = 2048
PORTS = (443, 8443)

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""All A and AAAA records of a host, as texts; empty or OSError where there are none."""

_UNFIT = re.compile(r"[\x00-\x20\x7f-\xa0\\\u2028\u2029]")
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*")
_INSIDE = (".localhost", ".local", ".internal", ".lan", ".home.arpa", ".svc", ".cluster.local")
_METADATA = ("instance-data", "metadata.google.internal", "metadata.goog", "instance-data.ec2.internal")

_REFUSED_V4 = tuple(
    ip_network(each)
    for each in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
_REFUSED_V6 = tuple(
    ip_network(each)
    for each in (
        "::/128",
        "::1/128",
        "64:ff9b:1::/48",
        "100::/64",
        "2001::/32",
        "2001:db8::/32",
        "2002::/16",
        "fc00::/7",
        "fe80::/10",
        "fec0::/10",
        "ff00::/8",
    )
)
_HOLDING_V4 = tuple(ip_network(each) for each in ("::ffff:0:0/96", "64:ff9b::/96"))


def is_global(text: str) -> bool:
    """Tell whether an address lies in the public internet; one that hides an IPv4 address is judged by that."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            return False
        if any(address in each for each in _HOLDING_V4):
            return is_global(str(IPv4Address(int(address) & 0xFFFFFFFF)))
        return address.is_global and not any(address in each for each in _REFUSED_V6)
    return address.is_global and not any(address in each for each in _REFUSED_V4)


class OutgoingAddresses:
    """The rules, with what this installation allows beyond them."""

    def __init__(self, resolve: Resolve, *, allowed: Collection[str] = (), own_hosts: Collection[str] = ()) -> None:
        """`allowed` are exact `host:port` of the operator's list; `own_hosts` are ours, never to be called."""
        self._resolve = resolve
        self._allowed = frozenset(each.lower() for each in allowed)
        self._own_hosts = frozenset(each.lower() for each in own_hosts)

    async def checked(self, url: str, pointer: str) -> str:
        """Return the address in its one normal form, without a slash at the end.

        Raises url_not_allowed, naming the rule and never an address, or loop_detected; `pointer` is the field's.
        """
        scheme, host, port, path = _parts(url, pointer)
        listed = f"{host}:{port}" in self._allowed
        if not listed:
            if f"{host}:{port}" in self._own_hosts or host in self._own_hosts:
                raise DomainError(
                    "loop_detected",
                    "that is our own address",
                    fields=(FieldError(pointer, "not_allowed", "our own address"),),
                    rule="own_host",
                )
            if scheme != "https":
                raise _refused("scheme", "https expected", pointer)
            if port not in PORTS:
                raise _refused("port", "port 443 or 8443 expected", pointer)
            _refuse_inner_name(host, pointer)
            await self._public_addresses(host, port, pointer)
        default = 443 if scheme == "https" else 80
        return f"{scheme}://{host}{'' if port == default else f':{port}'}{path.rstrip('/')}"

    async def to_dial(self, host: str, port: int) -> Sequence[str]:
        """Return the addresses of a host that was allowed once and is called now: the same rules, asked again.

        Raises url_not_allowed where they do not hold any more, or loop_detected.
        """
        host = host.lower().removesuffix(".")
        bare = f"[{host}]" if ":" in host else host
        if f"{bare}:{port}" not in self._allowed:
            if f"{bare}:{port}" in self._own_hosts or bare in self._own_hosts:
                raise DomainError("loop_detected", "that is our own address", rule="own_host")
            if port not in PORTS:
                raise _refused("port", "port 443 or 8443 expected", "")
            _refuse_inner_name(bare, "")
            return await self._public_addresses(bare, port, "")
        found = await self._addresses(bare, port)
        if not found:
            raise _refused("resolves", "the host has no address", "")
        return found

    async def _addresses(self, host: str, port: int) -> Sequence[str]:
        literal = _literal(host)
        if literal is not None:
            return (literal,)
        try:
            return await self._resolve(host, port)
        except (OSError, UnicodeError):  # a name that cannot be looked up is no address
            return ()

    async def _public_addresses(self, host: str, port: int, pointer: str) -> Sequence[str]:
        found = await self._addresses(host, port)
        if not found:
            raise _refused("resolves", "the host has no address", pointer)
        if not all(is_global(each) for each in found):
            raise _refused("public_address", "every address of the host must be public", pointer)
        return found


def _parts(url: str, pointer: str) -> tuple[str, str, int, str]:
    if len(url) > LONGEST:
        raise _refused("length", f"at most {LONGEST} characters", pointer)
    if _UNFIT.search(url):
        raise _refused("characters", "no blanks, control characters or backslashes", pointer)
    try:
        split = urlsplit(url)
        port = split.port
    except ValueError:
        raise _refused("form", "an address like https://host expected", pointer) from None
    if split.scheme not in ("http", "https"):
        raise _refused("scheme", "https expected", pointer)
    if "@" in split.netloc:
        raise _refused("user_info", "no user or password in the address", pointer)
    if "#" in url:
        raise _refused("fragment", "no fragment", pointer)
    if "?" in url:
        raise _refused("query", "no query in a base address", pointer)
    host = _host(split.netloc, split.hostname or "", pointer)
    if port == 0:
        raise _refused("port", "port 443 or 8443 expected", pointer)
    return split.scheme, host, port or (443 if split.scheme == "https" else 80), split.path


def _host(netloc: str, reported: str, pointer: str) -> str:
    if netloc.startswith("["):
        inside = netloc[1:].partition("]")[0].lower()
        if "%" in inside:
            raise _refused("zone", "no zone in an address", pointer)
        try:
            address = IPv6Address(inside)
        except ValueError:
            address = None
        # Mixed and padded forms are refused: others read them differently.
        if address is None or str(address) != inside:
            raise _refused("ip_form", "an IP address in its shortest form expected", pointer)
        return f"[{inside}]"
    host = reported.lower().removesuffix(".")
    if "%" in host:
        raise _refused("host", "a host name expected", pointer)
    if not host.isascii():
        try:
            host = unicodedata.normalize("NFKC", host).encode("idna").decode().lower().removesuffix(".")
        except UnicodeError:
            raise _refused("host", "a host name expected", pointer) from None
    labels = host.split(".")
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise _refused("host", "a host name expected", pointer)
    if _NUMBER.fullmatch(labels[-1]):
        try:
            canonical = str(IPv4Address(host))
        except ValueError:
            canonical = ""
        if canonical != host:
            raise _refused("ip_form", "an IP address in its dotted form expected", pointer)
    return host


def _literal(host: str) -> str | None:
    if host.startswith("["):
        return host[1:-1]
    return host if _NUMBER.fullmatch(host.rpartition(".")[2]) else None


def _refuse_inner_name(host: str, pointer: str) -> None:
    if _literal(host) is not None:
        return
    inner = "." not in host or host.endswith(_INSIDE) or host in _METADATA or host.startswith("kubernetes.default")
    if inner:
        raise _refused("host_name", "a public host name expected", pointer)


def _refused(rule: str, detail: str, pointer: str) -> DomainError:
    return DomainError("url_not_allowed", detail, fields=(FieldError(pointer, "not_allowed", detail),), rule=rule)
