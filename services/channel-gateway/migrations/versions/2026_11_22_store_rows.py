"""Let a batch of deliveries, and of the keys that recognise them, come as rows: one value for each, not one array for each column."""

from postgres.migrating import run_sql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# A type cannot grow while an older release still fills it: who needs another column makes another type.
TYPES = """
create type channel_gateway.met_delivery as (
    tenant_id uuid,
    channel_id uuid,
    dedupe_key text,
    received_at timestamptz
);
create type channel_gateway.kept_delivery as (
    tenant_id uuid,
    id uuid,
    project_id uuid,
    channel_id uuid,
    webhook_id uuid,
    received_at timestamptz,
    state text,
    reason text,
    provider_event text,
    provider_event_id text,
    provider_session text,
    engine text,
    dedupe_key text,
    headers jsonb,
    raw bytea
);
"""


def upgrade() -> None:
    """Add the types."""
    run_sql(TYPES)


def downgrade() -> None:
    """Take them back."""
    run_sql("drop type channel_gateway.kept_delivery, channel_gateway.met_delivery;")
