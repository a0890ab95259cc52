"""Find open sessions in the order in which they are listed."""

from postgres.migrating import run_sql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add an index that holds open sessions only: one entry when a session begins, none for its messages."""
    run_sql("""
    create index sessions_active on session.sessions (tenant_id, project_id, started_at desc, id desc) where status = 'active';
    """)


def downgrade() -> None:
    """Take it back."""
    run_sql("drop index session.sessions_active;")
