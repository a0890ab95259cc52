"""Create mails that are to be sent, and the tokens that they carried."""

from postgres.migrating import run_sql
from postgres.walls import finder_function, finder_may_read, protect

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# A mail says what it is about and not what it will say: its token is made when it leaves, so that none is ever kept in the clear.
# Its tenant is nobody (all zeros) where an address was only typed in, and may be anybody's.
TABLES = """
create table identity.mails (
    tenant_id uuid not null,
    id uuid not null,
    created_at timestamptz not null default now(),
    kind text not null check (kind in ('password_reset', 'guessing')),
    address text not null,
    about_id uuid,
    attempts int not null default 0,
    -- null: given up
    due_at timestamptz,
    error text,
    primary key (tenant_id, id)
);
create index mails_due on identity.mails (due_at) where due_at is not null;

create table identity.mail_tokens (
    tenant_id uuid not null,
    id uuid not null,
    created_at timestamptz not null default now(),
    kind text not null check (kind in ('password_reset')),
    about_id uuid not null,
    mail_id uuid not null,
    token_hash bytea not null check (octet_length(token_hash) = 32),
    expires_at timestamptz not null,
    used_at timestamptz,
    primary key (tenant_id, id)
);
create index mail_tokens_by_hash on identity.mail_tokens (token_hash);
create index mail_tokens_of on identity.mail_tokens (tenant_id, kind, about_id, created_at);
create index mail_tokens_expired on identity.mail_tokens (expires_at);
"""

LOOK_UPS = (
    (
        "next_due_mail(now timestamptz)",
        "table (tenant_id uuid, id uuid)",
        "select m.tenant_id, m.id from mails m where m.due_at <= now order by m.due_at limit 1",
    ),
    (
        "find_mail_token(wanted bytea)",
        "table (tenant_id uuid, id uuid)",
        "select t.tenant_id, t.id from mail_tokens t where t.token_hash = wanted",
    ),
    (
        "tenants_with_old_mail(before timestamptz)",
        "setof uuid",
        "select t.tenant_id from mail_tokens t where t.expires_at < before"
        " union select m.tenant_id from mails m where m.due_at is null and m.created_at < before limit 1000",
    ),
)


def upgrade() -> None:
    """Both tables, and what finds their rows before a tenant is known."""
    run_sql(TABLES)
    for table in ("mails", "mail_tokens"):
        run_sql(protect("identity", table))
        run_sql(finder_may_read("identity", table))
    for signature, returns, body in LOOK_UPS:
        run_sql(finder_function("identity", signature, returns, body))


def downgrade() -> None:
    """Drop them; what was not sent is lost."""
    run_sql(
        """
        drop function identity.next_due_mail(timestamptz), identity.find_mail_token(bytea),
            identity.tenants_with_old_mail(timestamptz);
        drop table identity.mail_tokens, identity.mails;
        """
    )
