"""Billing accounts in Postgres."""

from collections.abc import Sequence

import asyncpg
from kernel.errors import DomainError
from postgres.database import Connection
from postgres.listing import Listing

from billing.application.work import NewAccount
from billing.domain.account import ACTIVE, SELF_HOSTED

COLUMNS = """id, tenant_id, version, created_at, updated_at, name, billing_email, plan_code, payment_status, currency,
    stripe_customer_id, suspended_at, suspension_reason, trial_ends_at"""

ACCOUNTS = Listing(
    select=f"select {COLUMNS} from billing_accounts where tenant_id = $1",
    sorts={"created_at": "created_at timestamptz"},
)

ONE = f"select {COLUMNS} from billing_accounts where tenant_id = $1 and id = $2"

ID_OF = "select id::text from billing_accounts where tenant_id = $1 and payment_status <> 'canceled'"

OPEN = f"""
insert into billing_accounts (tenant_id, id, name, billing_email, plan_code, payment_status)
select tenant_id, id, name, billing_email, $5, $6
from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[]) as new (tenant_id, id, name, billing_email)
order by tenant_id
on conflict (tenant_id) where payment_status <> 'canceled' do nothing
returning {COLUMNS}
"""


class AccountsInPostgres:
    """The account table."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def open(self, accounts: Sequence[NewAccount]) -> list[asyncpg.Record]:
        """Store those whose tenant has no account yet; return their rows."""
        rows = await self._connection.fetch(
            OPEN,
            [account.tenant_id for account in accounts],
            [account.id for account in accounts],
            [account.name for account in accounts],
            [account.billing_email for account in accounts],
            SELF_HOSTED,
            ACTIVE,
        )
        return list(rows)

    async def get(self, tenant_id: str, account_id: str) -> asyncpg.Record:
        """Return the row of an account; raise not_found."""
        row = await self._connection.fetchrow(ONE, tenant_id, account_id)
        if row is None:
            raise DomainError("not_found", "there is no such billing account")
        return row

    async def id_of(self, tenant_id: str) -> str | None:
        """Return the id of the tenant's account."""
        found: str | None = await self._connection.fetchval(ID_OF, tenant_id)
        return found
