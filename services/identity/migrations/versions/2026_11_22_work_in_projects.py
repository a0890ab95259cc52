"""Let projects be deleted, and know which channels work in them."""

from postgres.migrating import run_sql
from postgres.walls import fence, protect

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# What channel-gateway told: a project in which one works is not deleted.
TABLES = """
alter table identity.projects add column deleted_at timestamptz;
create table identity.known_channels (
    tenant_id uuid not null,
    id uuid not null,
    project_id uuid not null,
    version int not null,
    works boolean not null default false,
    deleted boolean not null default false,
    primary key (tenant_id, id)
);
create index known_channels_that_work on identity.known_channels (tenant_id, project_id) where works and not deleted;
"""


def upgrade() -> None:
    """The column, and the table behind the wall."""
    run_sql(TABLES)
    run_sql(protect("identity", "known_channels"))
    run_sql(fence("identity", "known_channels"))


def downgrade() -> None:
    """Drop them; projects that were deleted are there again."""
    run_sql("drop table identity.known_channels; alter table identity.projects drop column deleted_at")
