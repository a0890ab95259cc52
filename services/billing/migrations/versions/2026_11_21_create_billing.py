"""Create billing accounts and usage meters, and the tables that every service has."""

from outbox.tables import drop_outbox_tables, outbox_tables
from postgres.migrating import run_sql
from postgres.walls import protect
from web.idempotency import TABLE_SQL

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SCHEMA = "billing"

ACCOUNTS = """
create table billing.billing_accounts (
    tenant_id uuid not null,
    id uuid not null,
    version int not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    name text not null,
    billing_email text,
    plan_code text not null,
    payment_status text not null default 'pending' constraint accounts_status
        check (payment_status in ('pending', 'active', 'suspended', 'canceled')),
    currency text not null default 'BRL' constraint accounts_currency check (currency in ('BRL', 'USD', 'EUR', 'GBP')),
    stripe_customer_id text,
    suspended_at timestamptz,
    suspension_reason text,
    trial_ends_at timestamptz,
    primary key (tenant_id, id),
    constraint accounts_suspension check ((payment_status = 'suspended') = (suspended_at is not null))
);
-- One that is alive for each tenant; canceled is final, and a new one may follow.
create unique index accounts_alive on billing.billing_accounts (tenant_id) where payment_status <> 'canceled';
"""

METERS = """
-- What adds up is counted by the hour; active contacts do not add up and are counted by day and by month.
create table billing.usage_meters (
    tenant_id uuid not null,
    project_id uuid not null,
    metric text not null,
    period text not null,
    starts_at timestamptz not null,
    quantity bigint not null constraint meters_quantity check (quantity > 0),
    updated_at timestamptz not null default now(),
    primary key (tenant_id, project_id, metric, period, starts_at),
    constraint meters_period check (period = 'hour' and metric <> 'active_contacts'
        or period in ('day', 'month') and metric = 'active_contacts')
) with (fillfactor = 50); -- the present hour's row is updated by every batch: its versions stay on its page

-- Who was counted already. The key is all there is to it.
create table billing.active_contacts (
    tenant_id uuid not null,
    project_id uuid not null,
    period text not null constraint active_period check (period in ('day', 'month')),
    starts_at timestamptz not null,
    contact_id uuid not null,
    primary key (tenant_id, project_id, period, starts_at, contact_id)
);
"""


def upgrade() -> None:
    """Start with an empty schema."""
    run_sql(outbox_tables(SCHEMA) + TABLE_SQL(SCHEMA) + ACCOUNTS + METERS)
    run_sql(protect(SCHEMA, "billing_accounts"))
    run_sql(protect(SCHEMA, "usage_meters", rights="select, insert, update"))
    run_sql(protect(SCHEMA, "active_contacts", rights="select, insert"))


def downgrade() -> None:
    """Leave an empty schema."""
    run_sql("""
    drop table billing.active_contacts, billing.usage_meters, billing.billing_accounts;
    drop function billing.tenants_with_old_idempotency_keys(timestamptz);
    drop table billing.idempotency_keys;
    """)
    run_sql(drop_outbox_tables(SCHEMA))
