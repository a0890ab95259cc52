"""Know which projects rest: nothing is queued there."""

from postgres.migrating import run_sql
from postgres.walls import fence, protect

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

SCHEMA, TABLE = "messaging", "resting_projects"

# Of projects that have ever rested; a later version of what was said wins.
PROJECTS = """
create table messaging.resting_projects (
    tenant_id uuid not null,
    project_id uuid not null,
    rests boolean not null,
    version int not null,
    updated_at timestamptz not null default now(),
    primary key (tenant_id, project_id)
);
"""


def upgrade() -> None:
    """Add the table; nobody rests yet, and an older release does not notice."""
    run_sql(PROJECTS + protect(SCHEMA, TABLE, rights="select, insert, update") + fence(SCHEMA, TABLE))


def downgrade() -> None:
    """Drop it: messages are queued everywhere."""
    run_sql(f"drop table {SCHEMA}.{TABLE}")
