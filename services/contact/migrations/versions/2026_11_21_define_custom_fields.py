"""Define custom fields."""

from postgres.migrating import run_sql
from postgres.walls import protect

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

FIELDS = """
create table contact.custom_fields (
    tenant_id uuid not null,
    id uuid not null,
    project_id uuid not null,
    version int not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz,
    key text collate "C" not null constraint fields_key check (key ~ '^[a-z][a-z0-9_]{0,62}$'),
    label text not null,
    type text not null constraint fields_type check (type in
        ('text', 'number', 'boolean', 'date', 'json', 'url', 'email', 'phone', 'select', 'multi_select', 'label')),
    required boolean not null default false,
    options text[] not null default '{}',
    default_value jsonb,
    description text,
    -- kept by the product itself: nobody changes or deletes it
    system boolean not null default false,
    primary key (tenant_id, id),
    constraint fields_options check ((type in ('select', 'multi_select')) = (cardinality(options) > 0))
);
create unique index fields_by_key on contact.custom_fields (tenant_id, project_id, key) where deleted_at is null;
"""


def upgrade() -> None:
    """Make the table of definitions; values lie in the contacts."""
    run_sql(FIELDS + protect("contact", "custom_fields"))


def downgrade() -> None:
    """Drop it."""
    run_sql("drop table contact.custom_fields;")
