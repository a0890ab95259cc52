"""Create what sending needs: attempts, who serves a channel, deliveries that wait for a send, checks of provider sessions."""

from postgres.migrating import run_sql
from postgres.walls import finder_function, finder_may_read, protect

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SCHEMA = "channel_gateway"

ATTEMPTS = """
-- pending → sending → accepted | rejected | unknown; unknown → accepted | rejected by evidence, or → sending again with the
-- same reserved id.
create table channel_gateway.send_attempts (
    tenant_id uuid not null,
    message_id uuid not null,
    project_id uuid not null,
    channel_id uuid not null,
    -- within a chat: the order in which messaging queued them
    seq bigint generated always as identity,
    chat_key text not null,
    -- exactly as the provider reported it; null until a bare phone was looked up
    external_chat_id text,
    phone text,
    content_type text not null,
    -- what is sent; gone once the send has ended
    text text,
    reply_to_id text,
    reply_to_ref text,
    mentions text[] not null default '{}',
    link_preview boolean not null default true,
    first_contact boolean not null default false,
    -- 0 high, 1 normal, 2 low
    priority smallint not null check (priority between 0 and 2),
    state text not null default 'pending' check (state in ('pending', 'sending', 'accepted', 'rejected', 'unknown')),
    attempts int not null default 0,
    -- tries that count towards giving up; what only waited for its channel does not
    failures int not null default 0,
    -- the provider's bare message id: taken from it before the call (id_reserved), or told by its answer or by evidence
    provider_id text,
    provider_ref text,
    id_reserved boolean not null default false,
    evidence text check (evidence in ('answer', 'own_message', 'history', 'ack', 'person')),
    failure_code text,
    last_error text,
    queued_at timestamptz not null,
    due_at timestamptz not null default now(),
    expires_at timestamptz not null,
    sending_at timestamptz,
    unknown_since timestamptz,
    -- until then the later sends of its chat wait for evidence
    holds_chat_until timestamptz,
    looks int not null default 0,
    look_at timestamptz,
    repeat_at timestamptz,
    ended_at timestamptz,
    -- the request, for the events that follow from it
    heard_id uuid not null,
    correlation_id text not null,
    actor text not null,
    hop int not null default 0,
    traceparent text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (tenant_id, message_id),
    check (state <> 'sending' or (attempts > 0 and sending_at is not null)),
    -- what may have left already never waits as if it had not
    check (state <> 'pending' or unknown_since is null),
    check (state <> 'unknown' or unknown_since is not null),
    check (state <> 'accepted' or (provider_id is not null and evidence is not null)),
    check ((state = 'rejected') = (failure_code is not null)),
    check ((state in ('accepted', 'rejected')) = (ended_at is not null)),
    check (state in ('accepted', 'rejected') or text is not null),
    check (external_chat_id is not null or state in ('pending', 'rejected')),
    check (not id_reserved or provider_id is not null),
    check (repeat_at is null or (state = 'unknown' and id_reserved))
);
create index sends_waiting on channel_gateway.send_attempts (tenant_id, channel_id, priority, seq) where state = 'pending';
create index sends_open_in_chat on channel_gateway.send_attempts (tenant_id, channel_id, chat_key, seq)
    where state in ('pending', 'sending', 'unknown');
create index sends_in_flight on channel_gateway.send_attempts (tenant_id, channel_id) where state = 'sending';
create index sends_to_repeat on channel_gateway.send_attempts (tenant_id, channel_id, seq) where repeat_at is not null;
create index sends_by_provider_id on channel_gateway.send_attempts (tenant_id, channel_id, provider_id)
    where provider_id is not null;
create index sends_without_id on channel_gateway.send_attempts (tenant_id, channel_id, external_chat_id)
    where state in ('sending', 'unknown') and not id_reserved;
create index sends_newest on channel_gateway.send_attempts (tenant_id, channel_id, created_at desc, message_id desc);
-- across tenants, for the finder alone
create index sends_to_look_up on channel_gateway.send_attempts (look_at) where state = 'unknown';
create index sends_by_expiry on channel_gateway.send_attempts (expires_at) where state = 'pending';
create index sends_oldest on channel_gateway.send_attempts (priority, seq) where state = 'pending';
"""

SENDERS = """
-- Who serves a channel's sends, and how fast it may go; beside the channel and not in it: whoever edits a channel must not
-- hold up its sends. The row comes with the first send.
create table channel_gateway.channel_senders (
    tenant_id uuid not null,
    channel_id uuid not null,
    -- a lease, judged by the database's clock: one sender a channel
    holder uuid,
    lease_until timestamptz,
    -- the provider asked for a pause
    paused_until timestamptz,
    -- when the next send of each class is due if none is saved up: the whole state of a token bucket
    automated_at timestamptz,
    high_at timestamptz,
    -- what the provider said of itself
    engine text,
    engine_version text,
    reserves_ids boolean,
    engine_asked_at timestamptz,
    -- deactivated or removed then: what was queued before is refused
    refused_at timestamptz,
    primary key (tenant_id, channel_id),
    foreign key (tenant_id, channel_id) references channel_gateway.channels (tenant_id, id),
    check ((holder is null) = (lease_until is null))
) with (fillfactor = 50);
"""

HELD = """
-- Own messages that may be the echo of a send whose id nobody knows yet: they wait for its outcome.
create table channel_gateway.held_deliveries (
    tenant_id uuid not null,
    delivery_id uuid not null,
    channel_id uuid not null,
    -- every address that the delivery names for its chat
    chats text[] not null,
    held_until timestamptz not null,
    primary key (tenant_id, delivery_id)
);
"""

CHECKS = """
-- A provider session that has to be looked at: until it works (activate), until it works again (watch, which restarts one
-- that failed), or to be stopped.
create table channel_gateway.channel_checks (
    tenant_id uuid not null,
    channel_id uuid not null,
    purpose text not null check (purpose in ('activate', 'watch', 'stop')),
    due_at timestamptz not null default now(),
    since timestamptz not null default now(),
    tries int not null default 0,
    -- calls that failed in a row
    failures int not null default 0,
    restarted boolean not null default false,
    -- the provider has to call back after that
    verify_webhook boolean not null default false,
    configured_at timestamptz,
    correlation_id text not null,
    actor text not null,
    primary key (tenant_id, channel_id),
    foreign key (tenant_id, channel_id) references channel_gateway.channels (tenant_id, id)
);
create index checks_due on channel_gateway.channel_checks (due_at);
"""

_TABLES = ("send_attempts", "channel_senders", "held_deliveries", "channel_checks")

_TO_SERVE = """
    select s.tenant_id, s.channel_id
    from channel_gateway.channel_senders s
    join channel_gateway.channels c on c.tenant_id = s.tenant_id and c.id = s.channel_id
    where (s.lease_until is null or s.lease_until < now()) and (
        exists (select from channel_gateway.send_attempts a
            where a.tenant_id = s.tenant_id and a.channel_id = s.channel_id and a.state = 'sending')
        or (c.status = 'active' and c.deleted_at is null and coalesce(s.paused_until <= now(), true) and (
            exists (select from channel_gateway.send_attempts a
                where a.tenant_id = s.tenant_id and a.channel_id = s.channel_id and a.state = 'pending' and a.due_at <= now())
            or exists (select from channel_gateway.send_attempts a
                where a.tenant_id = s.tenant_id and a.channel_id = s.channel_id and a.repeat_at <= now()))))
    limit most
"""
_HELD_DUE = """
    select h.tenant_id, h.delivery_id
    from channel_gateway.held_deliveries h
    where h.held_until <= now() or not exists (
        select from channel_gateway.send_attempts a
        where a.tenant_id = h.tenant_id and a.channel_id = h.channel_id and a.external_chat_id = any (h.chats)
            and a.state = 'sending' and not a.id_reserved)
    order by h.delivery_id limit most
"""
_TO_END = """
    (select a.tenant_id, a.message_id from channel_gateway.send_attempts a
    where a.state = 'pending' and a.expires_at <= now() limit most)
    union all
    (select a.tenant_id, a.message_id from channel_gateway.channel_senders s
    join channel_gateway.send_attempts a on a.tenant_id = s.tenant_id and a.channel_id = s.channel_id
        and a.state = 'pending' and a.created_at <= s.refused_at
    where s.refused_at is not null limit most)
"""

# What must be known before a tenant is: whose work is due.
FINDERS = (
    "".join(finder_may_read(SCHEMA, table) for table in _TABLES)
    + finder_function(SCHEMA, "channels_to_serve(most int)", "table (tenant_id uuid, channel_id uuid)", _TO_SERVE)
    + finder_function(SCHEMA, "held_deliveries_due(most int)", "table (tenant_id uuid, delivery_id uuid)", _HELD_DUE)
    + finder_function(SCHEMA, "sends_to_end(most int)", "table (tenant_id uuid, message_id uuid)", _TO_END)
    + finder_function(
        SCHEMA,
        "sends_to_look_up(most int)",
        "table (tenant_id uuid, message_id uuid)",
        "select a.tenant_id, a.message_id from channel_gateway.send_attempts a"
        " where a.state = 'unknown' and a.look_at <= now() order by a.look_at limit most",
    )
    + finder_function(
        SCHEMA,
        "checks_due(most int)",
        "table (tenant_id uuid, channel_id uuid)",
        "select k.tenant_id, k.channel_id from channel_gateway.channel_checks k where k.due_at <= now()"
        " order by k.due_at limit most",
    )
    + finder_function(
        SCHEMA,
        "sends_waiting()",
        "table (priority smallint, oldest_s float)",
        "select p.priority, (select extract(epoch from now() - a.created_at)::float from channel_gateway.send_attempts a"
        " where a.state = 'pending' and a.priority = p.priority order by a.seq limit 1)"
        " from (values (0::smallint), (1::smallint), (2::smallint)) as p (priority)",
    )
    + finder_function(
        SCHEMA,
        "sends_unknown()",
        "bigint",
        "select count(*) from channel_gateway.send_attempts a where a.state = 'unknown'",
    )
    + finder_function(
        SCHEMA,
        "tenants_with_old_sends(before uuid)",
        "setof uuid",
        "select distinct s.tenant_id from channel_gateway.channel_senders s where exists (select from"
        " channel_gateway.send_attempts a where a.tenant_id = s.tenant_id and a.message_id < before) limit 1000",
    )
)


def upgrade() -> None:
    """Everything that sending keeps."""
    run_sql(ATTEMPTS + protect(SCHEMA, "send_attempts"))
    run_sql(SENDERS + protect(SCHEMA, "channel_senders", rights="select, insert, update"))
    run_sql(HELD + protect(SCHEMA, "held_deliveries"))
    run_sql(CHECKS + protect(SCHEMA, "channel_checks"))
    run_sql(FINDERS)


def downgrade() -> None:
    """Drop it all."""
    run_sql(
        """
        drop function channel_gateway.channels_to_serve(int), channel_gateway.held_deliveries_due(int),
            channel_gateway.sends_to_end(int), channel_gateway.sends_to_look_up(int), channel_gateway.checks_due(int),
            channel_gateway.sends_waiting(), channel_gateway.sends_unknown(),
            channel_gateway.tenants_with_old_sends(uuid);
        drop table channel_gateway.channel_checks, channel_gateway.held_deliveries, channel_gateway.channel_senders,
            channel_gateway.send_attempts;
        """
    )
