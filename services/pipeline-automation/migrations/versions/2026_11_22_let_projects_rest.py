"""Know which projects rest: their rules do not run."""

from postgres.migrating import run_sql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; nobody rests yet, and an older release does not notice."""
    run_sql(
        "alter table pipeline_automation.projects add column rests boolean not null default false,"
        " add column rests_version int not null default 0"
    )


def downgrade() -> None:
    """Drop them: rules of all projects run."""
    run_sql("alter table pipeline_automation.projects drop column rests, drop column rests_version")
