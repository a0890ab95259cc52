"""Know which projects rest: no session begins there."""

from postgres.migrating import run_sql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; nobody rests yet, and an older release does not notice."""
    run_sql(
        "alter table session.timeouts add column rests boolean not null default false,"
        " add column rests_version int not null default 0"
    )


def downgrade() -> None:
    """Drop them: sessions begin everywhere."""
    run_sql("alter table session.timeouts drop column rests, drop column rests_version")
