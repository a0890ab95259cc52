"""What the present request leaves in the audit log, said by use cases that open their transactions themselves."""

from outbox.work import UnitOfWork
from web.auditing import Trail
from web.exchange import current_exchange

FAILED = "_failed"
"""Makes of an action the one that did not come about."""


class AuditTrail:
    """Of the request in whose context one transaction was opened."""

    def __init__(self, work: UnitOfWork) -> None:
        self._work = work

    def belongs_to(self, tenant_id: str, user_id: str) -> None:
        """Note whose request it turned out to be."""
        trail = self._trail()
        trail.by_user(tenant_id, user_id)
        trail.about(user_id)

    def wrote(self, tenant_id: str, user_id: str) -> None:
        """Say that a user did what they asked for."""
        self.belongs_to(tenant_id, user_id)
        self._trail().say(self._work)

    def refused(self, tenant_id: str, user_id: str | None) -> None:
        """Say that somebody failed to prove that they are that user."""
        trail = self._trail()
        trail.of_tenant(tenant_id)
        if user_id is not None:
            trail.about(user_id)
        trail.say(self._work, FAILED)

    def _trail(self) -> Trail:
        exchange = current_exchange.get()
        assert exchange is not None and exchange.trail is not None, "only requests write here"
        return exchange.trail
