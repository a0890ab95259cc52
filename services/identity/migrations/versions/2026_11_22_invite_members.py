"""Create invitations, and remember for gateways that start which memberships changed."""

from postgres.migrating import run_sql
from postgres.walls import fence, finder_function, finder_may_read, protect

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# Whoever accepts becomes a member with the invitation's id. Its token is among those of mails, as a hash.
TABLES = """
-- grows with each change of its members, which wait for each other: of two that one hears of, the higher is the later
alter table identity.projects add column members_revision int not null default 0;

create table identity.invitations (
    tenant_id uuid not null,
    id uuid not null,
    project_id uuid not null,
    version int not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    email text not null check (email = lower(email)),
    role text not null check (role in ('admin', 'supervisor', 'agent', 'viewer')),
    create_agent boolean not null,
    invited_by uuid not null,
    expires_at timestamptz not null,
    state text not null default 'pending' check (state in ('pending', 'accepted', 'revoked', 'expired')),
    primary key (tenant_id, id),
    foreign key (tenant_id, project_id) references identity.projects (tenant_id, id)
);
create unique index invitations_open on identity.invitations (tenant_id, project_id, email) where state = 'pending';
create index invitations_made on identity.invitations (tenant_id, created_at);
create index invitations_expired on identity.invitations (expires_at);

-- What a token in hand says of its projects holds no more; a role of null: they are in it no more.
create table identity.membership_changes (
    tenant_id uuid not null,
    id uuid not null,
    project_id uuid not null,
    user_id uuid not null,
    role text check (role in ('admin', 'supervisor', 'agent', 'viewer')),
    agent_id uuid,
    revision int not null,
    changed_at timestamptz not null,
    primary key (tenant_id, id)
);
create index membership_changes_by_time on identity.membership_changes (changed_at);
"""

KINDS = """
alter table identity.mails drop constraint mails_kind_check;
alter table identity.mails add constraint mails_kind_check check (kind in ({mails})) {checked};
alter table identity.mail_tokens drop constraint mail_tokens_kind_check;
alter table identity.mail_tokens add constraint mail_tokens_kind_check check (kind in ({tokens})) {checked};
alter table identity.sign_ins drop constraint sign_ins_revoked_because_check;
alter table identity.sign_ins add constraint sign_ins_revoked_because_check check (revoked_because in ({reasons})) {checked};
"""
MAILS = "'password_reset', 'guessing'"
TOKENS = "'password_reset'"
REASONS = "'signed_out', 'token_reused', 'password_changed', 'password_reset'"

LOOK_UPS = (
    (
        "memberships_changed_since(since timestamptz, most int)",
        "table (kind text, id uuid, tenant_id uuid, user_id uuid, at timestamptz, project_id uuid, role text, agent_id uuid,"
        " revision int)",
        "select 'membership', c.id, c.tenant_id, c.user_id, c.changed_at, c.project_id, c.role, c.agent_id, c.revision"
        " from membership_changes c where c.changed_at >= since order by c.changed_at, c.id limit most",
    ),
    (
        "tenants_with_old_memberships(before timestamptz)",
        "setof uuid",
        "select i.tenant_id from invitations i where i.expires_at < before"
        " union select c.tenant_id from membership_changes c where c.changed_at < before limit 1000",
    ),
)


def upgrade() -> None:
    """Both tables, what finds their rows before a tenant is known, and the further kinds of mails and reasons."""
    run_sql(TABLES)
    for table in ("invitations", "membership_changes"):
        run_sql(protect("identity", table))
        run_sql(finder_may_read("identity", table))
    run_sql(fence("identity", "invitations"))
    for signature, returns, body in LOOK_UPS:
        run_sql(finder_function("identity", signature, returns, body))
    run_sql(
        KINDS.format(
            mails=MAILS + ", 'invitation'",
            tokens=TOKENS + ", 'invitation'",
            reasons=REASONS + ", 'removed'",
            checked="",
        )
    )


def downgrade() -> None:
    """Drop them: whoever was invited has to be invited again. Mails and sign-ins that name them stay until they are forgotten."""
    run_sql(KINDS.format(mails=MAILS, tokens=TOKENS, reasons=REASONS, checked="not valid"))
    run_sql(
        """
        drop function identity.memberships_changed_since(timestamptz, int), identity.tenants_with_old_memberships(timestamptz);
        drop table identity.membership_changes, identity.invitations;
        alter table identity.projects drop column members_revision;
        """
    )
