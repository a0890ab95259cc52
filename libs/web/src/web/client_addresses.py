"""Who is at the other end of the connection. What a stranger claims is not believed."""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network


class ClientAddresses:
    """Tells callers apart by address; only `trusted` proxies may speak for somebody else."""

    def __init__(self, trusted: Sequence[str] = ()) -> None:
        """`trusted` are addresses or networks; raises ValueError for anything else."""
        self._trusted: tuple[Network, ...] = tuple(ip_network(each, strict=False) for each in trusted)

    def of(self, peer: str, forwarded: Iterable[str]) -> str:
        """Return the caller's address: the last one in X-Forwarded-For, whose values are `forwarded`, that is not a proxy of ours.

        Where there is none, the peer's.
        """
        if not self._is_trusted(peer):
            return peer
        claimed = ",".join(forwarded).split(",")
        for each in reversed([part.strip() for part in claimed if part.strip()]):
            if not self._is_trusted(each):
                return each if _is_address(each) else peer
            peer = each
        return peer

    def _is_trusted(self, address: str) -> bool:
        return _is_address(address) and any(ip_address(address) in network for network in self._trusted)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
