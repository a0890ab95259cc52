"""Create what is known of a channel's session at its provider."""

from postgres.migrating import run_sql
from postgres.walls import protect

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SCHEMA = "channel_gateway"

SESSIONS = """
-- What the provider last said, in its own words; what that makes of the channel stands in the channel. No row: nothing yet.
create table channel_gateway.provider_sessions (
    tenant_id uuid not null,
    channel_id uuid not null,
    status text not null,
    version text,
    -- the provider's time of the newest report: what is older changes nothing
    told_at timestamptz,
    heard_at timestamptz not null,
    -- {id, lid?, push_name?} of our own number
    me jsonb,
    -- by kind: {active, until?, level?, total?, used?}
    limits jsonb not null default '{}',
    primary key (tenant_id, channel_id),
    foreign key (tenant_id, channel_id) references channel_gateway.channels (tenant_id, id)
);
"""


def upgrade() -> None:
    """One row for each channel that its provider told something of."""
    run_sql(SESSIONS + protect(SCHEMA, "provider_sessions", rights="select, insert, update"))


def downgrade() -> None:
    """Drop it."""
    run_sql("drop table channel_gateway.provider_sessions")
