"""Create the tables that every service has."""

from outbox.tables import drop_outbox_tables, outbox_tables
from postgres.migrating import run_sql
from web.idempotency import TABLE_SQL

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SCHEMA = "pipeline_automation"


def upgrade() -> None:
    """Start with an empty schema."""
    run_sql(outbox_tables(SCHEMA) + TABLE_SQL(SCHEMA))


def downgrade() -> None:
    """Leave an empty schema."""
    run_sql(f"""
    drop function {SCHEMA}.tenants_with_old_idempotency_keys(timestamptz);
    drop table {SCHEMA}.idempotency_keys;
    """)
    run_sql(drop_outbox_tables(SCHEMA))
