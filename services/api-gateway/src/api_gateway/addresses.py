"""Who is at the other end of the connection, and by which name they called us. What a stranger claims is not believed."""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from kernel.errors import DomainError, FieldError
from starlette.requests import Request

Network = IPv4Network | IPv6Network


class Addresses:
    """Tells callers apart by address; only `trusted` proxies may speak for somebody else."""

    def __init__(self, trusted: Sequence[str] = ()) -> None:
        """`trusted` are addresses or networks; raises ValueError for anything else."""
        self._trusted: tuple[Network, ...] = tuple(ip_network(each, strict=False) for each in trusted)

    def of(self, request: Request) -> str:
        """Return the caller's address: the last one in X-Forwarded-For that is not a proxy of ours, else the peer's."""
        peer = request.client.host if request.client else "unknown"
        if not self._is_trusted(peer):
            return peer
        claimed = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
        for each in reversed([part.strip() for part in claimed if part.strip()]):
            if not self._is_trusted(each):
                return each if _is_address(each) else peer
            peer = each
        return peer

    def _is_trusted(self, address: str) -> bool:
        return _is_address(address) and any(ip_address(address) in network for network in self._trusted)


class Hosts:
    """The names by which we may be called; none given: any."""

    def __init__(self, allowed: Sequence[str] = ()) -> None:
        self._allowed = frozenset(each.lower() for each in allowed)

    def check(self, request: Request) -> None:
        """Raise validation_failed for another name, or more than one (RFC 9112, 3.2)."""
        if not self._allowed:
            return
        hosts = request.headers.getlist("host")
        host = hosts[0].strip().lower() if len(hosts) == 1 else ""
        name = host if host.endswith("]") else host.rpartition(":")[0] or host
        if name.strip("[]") not in self._allowed:
            raise DomainError(
                "validation_failed", "unknown host", fields=(FieldError("#Host", "not_allowed", "unknown host"),)
            )


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
