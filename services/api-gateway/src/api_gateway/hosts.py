"""By which name somebody called us."""

from collections.abc import Sequence

from kernel.errors import DomainError, FieldError
from starlette.requests import Request


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
