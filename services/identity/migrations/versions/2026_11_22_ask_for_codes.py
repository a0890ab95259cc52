"""Create second factors and their recovery codes."""

from postgres.migrating import run_sql
from postgres.walls import protect

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES = """
create table identity.second_factors (
    tenant_id uuid not null,
    user_id uuid not null,
    created_at timestamptz not null default now(),
    -- the secret, sealed for this row with the key of that id
    key_id text not null,
    sealed bytea not null,
    -- null: it was never shown to work, and nobody is asked for it
    confirmed_at timestamptz,
    -- the last 30 seconds whose code was taken: none works twice
    last_step bigint not null default 0,
    primary key (tenant_id, user_id),
    foreign key (tenant_id, user_id) references identity.users (tenant_id, id)
);

create table identity.recovery_codes (
    tenant_id uuid not null,
    user_id uuid not null,
    code_hash bytea not null check (octet_length(code_hash) = 32),
    used_at timestamptz,
    primary key (tenant_id, user_id, code_hash),
    foreign key (tenant_id, user_id) references identity.second_factors (tenant_id, user_id) on delete cascade
);
"""


def upgrade() -> None:
    """Both tables."""
    run_sql(TABLES)
    for table in ("second_factors", "recovery_codes"):
        run_sql(protect("identity", table))


def downgrade() -> None:
    """Drop them: from then on a password is enough for everybody."""
    run_sql("drop table identity.recovery_codes, identity.second_factors")
