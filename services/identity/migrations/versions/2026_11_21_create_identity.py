"""Create tenants, users, projects, agents, API keys and sign-ins."""

from outbox.tables import drop_outbox_tables, outbox_tables
from postgres.migrating import run_sql
from postgres.walls import finder_function, finder_may_read, protect
from web.idempotency import TABLE_SQL

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Three keys hold for the whole installation and not for one tenant, because that is what they are for: a person signs in by
# e-mail alone, a tenant's slug stands in addresses, and an API key names nobody. No statement says ON CONFLICT on them.
ACCOUNTS = """
create table identity.tenants (
    tenant_id uuid not null,
    id uuid not null check (id = tenant_id),
    version int not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    name text not null,
    slug text not null check (slug ~ '^[a-z0-9-]{3,63}$'),
    status text not null default 'active' check (status in ('active', 'suspended', 'closing', 'closed')),
    country text not null,
    timezone text not null,
    language text not null,
    plan text,
    data_retention_days int check (data_retention_days between 30 and 3650),
    purge_after timestamptz,
    primary key (tenant_id, id)
);
create unique index tenants_by_slug on identity.tenants (slug);

create table identity.users (
    tenant_id uuid not null,
    id uuid not null,
    version int not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    name text not null,
    email text not null check (email = lower(email)),
    password_hash text not null,
    status text not null default 'active' check (status in ('invited', 'active', 'disabled')),
    is_platform_admin boolean not null default false,
    language text,
    timezone text,
    settings jsonb not null default '{}',
    last_login_at timestamptz,
    primary key (tenant_id, id),
    foreign key (tenant_id, tenant_id) references identity.tenants (tenant_id, id)
);
create unique index users_by_email on identity.users (email);

create table identity.tenant_members (
    tenant_id uuid not null,
    id uuid not null,
    version int not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    user_id uuid not null,
    owner boolean not null default false,
    primary key (tenant_id, id),
    unique (tenant_id, user_id),
    foreign key (tenant_id, user_id) references identity.users (tenant_id, id)
);
"""

PROJECTS = """
create table identity.projects (
    tenant_id uuid not null,
    id uuid not null,
    version int not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    name text not null,
    description text,
    is_default boolean not null default false,
    active boolean not null default true,
    timezone text not null,
    country text not null,
    language text not null,
    session_timeout_minutes int not null check (session_timeout_minutes between 1 and 1440),
    business_hours jsonb not null default '{}',
    agent_assignment jsonb not null default '{}',
    configuration jsonb not null default '{}',
    -- the id that the default pipeline will have, in the service that makes it
    default_pipeline_id uuid not null,
    owner_user_id uuid not null,
    primary key (tenant_id, id),
    foreign key (tenant_id, owner_user_id) references identity.users (tenant_id, id)
);
create unique index projects_default on identity.projects (tenant_id) where is_default;

create table identity.project_members (
    tenant_id uuid not null,
    id uuid not null,
    project_id uuid not null,
    version int not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    user_id uuid not null,
    role text not null check (role in ('admin', 'supervisor', 'agent', 'viewer')),
    invited_by uuid,
    invited_at timestamptz,
    joined_at timestamptz,
    primary key (tenant_id, id),
    unique (tenant_id, project_id, user_id),
    foreign key (tenant_id, project_id) references identity.projects (tenant_id, id),
    foreign key (tenant_id, user_id) references identity.users (tenant_id, id)
);
create index project_members_of_user on identity.project_members (tenant_id, user_id);

create table identity.agents (
    tenant_id uuid not null,
    id uuid not null,
    project_id uuid not null,
    version int not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    name text not null,
    type text not null check (type in ('human', 'ai', 'bot', 'channel', 'virtual', 'system')),
    role text not null default 'human_agent',
    user_id uuid check (type <> 'human' or user_id is not null),
    email text,
    phone text,
    department text,
    skills text[] not null default '{}',
    languages text[] not null default '{}',
    max_sessions int not null default 10 check (max_sessions between 1 and 500),
    status text not null default 'offline' check (status in ('available', 'busy', 'away', 'offline')),
    active boolean not null default true,
    permissions text[] not null default '{}',
    settings jsonb not null default '{}',
    config jsonb not null default '{}',
    last_activity_at timestamptz,
    last_login_at timestamptz,
    primary key (tenant_id, id),
    foreign key (tenant_id, project_id) references identity.projects (tenant_id, id),
    foreign key (tenant_id, user_id) references identity.users (tenant_id, id)
);
create unique index agents_of_user on identity.agents (tenant_id, project_id, user_id) where user_id is not null;
"""

CREDENTIALS = """
create table identity.api_keys (
    tenant_id uuid not null,
    id uuid not null,
    version int not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    user_id uuid not null,
    project_id uuid,
    name text not null,
    prefix text not null check (prefix ~ '^vk_[0-9a-f]{8}$'),
    key_hash bytea not null check (octet_length(key_hash) = 32),
    role text not null check (role in ('admin', 'supervisor', 'agent', 'viewer')),
    -- made with all that an owner has
    owner boolean not null default false,
    -- null: nothing but the role narrows it
    permissions text[],
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz,
    primary key (tenant_id, id),
    foreign key (tenant_id, user_id) references identity.users (tenant_id, id),
    foreign key (tenant_id, project_id) references identity.projects (tenant_id, id)
);
create unique index api_keys_by_hash on identity.api_keys (key_hash);
create index api_keys_of_user on identity.api_keys (tenant_id, user_id, created_at desc, id desc);
create index api_keys_revoked on identity.api_keys (revoked_at) where revoked_at is not null;

create table identity.sign_ins (
    tenant_id uuid not null,
    id uuid not null,
    version int not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    user_id uuid not null,
    -- chosen at sign-in; null: the default one
    project_id uuid,
    signed_in_at timestamptz not null,
    last_used_at timestamptz not null,
    -- until when its present refresh token is good
    expires_at timestamptz not null,
    revoked_at timestamptz,
    revoked_because text check (revoked_because in ('signed_out', 'token_reused')),
    primary key (tenant_id, id),
    check ((revoked_at is null) = (revoked_because is null)),
    foreign key (tenant_id, user_id) references identity.users (tenant_id, id),
    foreign key (tenant_id, project_id) references identity.projects (tenant_id, id)
);
create index sign_ins_of_user on identity.sign_ins (tenant_id, user_id) where revoked_at is null;
create index sign_ins_revoked on identity.sign_ins (revoked_at) where revoked_at is not null;
create index sign_ins_expired on identity.sign_ins (expires_at);

-- Dead ones stay as long as their sign-in: a dead one that comes back was stolen.
create table identity.refresh_tokens (
    tenant_id uuid not null,
    id uuid not null,
    created_at timestamptz not null default now(),
    sign_in_id uuid not null,
    token_hash bytea not null check (octet_length(token_hash) = 32),
    expires_at timestamptz not null,
    used_at timestamptz,
    primary key (tenant_id, id),
    foreign key (tenant_id, sign_in_id) references identity.sign_ins (tenant_id, id) on delete cascade
);
create index refresh_tokens_by_hash on identity.refresh_tokens (token_hash);
create unique index refresh_tokens_alive on identity.refresh_tokens (tenant_id, sign_in_id) where used_at is null;
create index refresh_tokens_of_sign_in on identity.refresh_tokens (tenant_id, sign_in_id);
"""

# Its tenant is nobody (all zeros): failures are counted before it is known whose account that is, or whether there is one.
FAILURES = """
create table identity.sign_in_failures (
    tenant_id uuid not null check (tenant_id = '00000000-0000-0000-0000-000000000000'),
    who bytea not null,
    attempts int not null,
    last_at timestamptz not null,
    blocked_until timestamptz,
    primary key (tenant_id, who)
);
create index sign_in_failures_by_age on identity.sign_in_failures (last_at);
"""

TABLES = {
    "tenants": "select, insert, update",
    "users": "select, insert, update",
    "tenant_members": "select, insert, update, delete",
    "projects": "select, insert, update",
    "project_members": "select, insert, update, delete",
    "agents": "select, insert, update",
    "api_keys": "select, insert, update",
    "sign_ins": "select, insert, update, delete",
    "refresh_tokens": "select, insert, update",
    "sign_in_failures": "select, insert, update, delete",
}

FOUND_ACROSS_TENANTS = ("tenants", "users", "api_keys", "sign_ins", "refresh_tokens")

LOOK_UPS = (
    (
        "find_user_by_email(wanted text)",
        "table (tenant_id uuid, id uuid, password_hash text)",
        "select u.tenant_id, u.id, u.password_hash from users u where u.email = wanted",
    ),
    (
        "slug_is_taken(wanted text)",
        "boolean",
        "select exists (select from tenants t where t.slug = wanted)",
    ),
    (
        "find_api_key(wanted bytea)",
        "table (tenant_id uuid, id uuid)",
        "select k.tenant_id, k.id from api_keys k where k.key_hash = wanted",
    ),
    (
        "find_refresh_token(wanted bytea)",
        "table (tenant_id uuid, id uuid)",
        "select r.tenant_id, r.id from refresh_tokens r where r.token_hash = wanted",
    ),
    (
        "withdrawn_since(since timestamptz, most int)",
        "table (kind text, id uuid, tenant_id uuid, user_id uuid, at timestamptz)",
        "select 'sign_in', s.id, s.tenant_id, s.user_id, s.revoked_at from sign_ins s where s.revoked_at >= since"
        " union all select 'api_key', k.id, k.tenant_id, k.user_id, k.revoked_at from api_keys k where k.revoked_at >= since"
        " order by 5, 2 limit most",
    ),
    (
        "tenants_with_ended_sign_ins(before timestamptz)",
        "setof uuid",
        "select distinct s.tenant_id from sign_ins s where s.expires_at < before limit 1000",
    ),
)


def upgrade() -> None:
    """Everything that the service keeps."""
    run_sql(outbox_tables("identity"))
    run_sql(TABLE_SQL("identity"))
    run_sql(ACCOUNTS + PROJECTS + CREDENTIALS + FAILURES)
    for table, rights in TABLES.items():
        run_sql(protect("identity", table, rights=rights))
    for table in FOUND_ACROSS_TENANTS:
        run_sql(finder_may_read("identity", table))
    for signature, returns, body in LOOK_UPS:
        run_sql(finder_function("identity", signature, returns, body))


def downgrade() -> None:
    """Drop it all; the schema itself belongs to the installation."""
    run_sql(
        """
        drop function identity.find_user_by_email(text), identity.slug_is_taken(text), identity.find_api_key(bytea),
            identity.find_refresh_token(bytea), identity.withdrawn_since(timestamptz, int),
            identity.tenants_with_ended_sign_ins(timestamptz);
        drop table identity.sign_in_failures, identity.refresh_tokens, identity.sign_ins, identity.api_keys, identity.agents,
            identity.project_members, identity.projects, identity.tenant_members, identity.users, identity.tenants;
        drop function identity.tenants_with_old_idempotency_keys(timestamptz);
        drop table identity.idempotency_keys;
        """
    )
    run_sql(drop_outbox_tables("identity"))
