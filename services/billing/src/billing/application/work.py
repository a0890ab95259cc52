"""What the use cases of this service work with, inside one transaction."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from billing.application.announcements import Announcements
from billing.domain.metering import Increments


@dataclass(frozen=True, slots=True)
class NewAccount:
    """An account to be opened. `heard` is the event that asks for it."""

    id: str
    tenant_id: str
    name: str
    billing_email: str
    heard: Any


class Accounts(Protocol):
    """One account for each tenant."""

    async def open(self, accounts: Sequence[NewAccount]) -> list[Any]:
        """Store those whose tenant has no account yet; return their rows."""

    async def get(self, tenant_id: str, account_id: str) -> Any:
        """Return the row of an account; raise not_found."""

    async def id_of(self, tenant_id: str) -> str | None:
        """Return the id of the tenant's account."""


class Meters(Protocol):
    """How much was used."""

    async def add(self, increments: Increments) -> None:
        """Add what a batch counted, in one statement."""

    async def read(
        self,
        tenant_id: str,
        period: str,
        begin: datetime,
        end: datetime,
        *,
        project_id: str | None,
        metrics: Sequence[str],
    ) -> list[Any]:
        """Return `metric`, `project_id`, `starts_at`, `quantity` for each day or month within [begin, end) with usage."""


@dataclass(frozen=True)
class Work:
    """One transaction's worth of collaborators."""

    accounts: Accounts
    meters: Meters
    announcements: Announcements
    new_id: Callable[[], str]
    now: datetime
