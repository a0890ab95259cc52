"""Create what timekeepers look at, what is known of timeouts and chats, and what remembers who waits for whom."""

from postgres.migrating import run_sql
from postgres.walls import finder_function, finder_may_read, protect

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SCHEMA = "session"

# An owner sees no rows of its own tables behind the wall, so it is lifted while it writes.
TALK = """
alter table session.sessions
    -- what is settled (milliseconds waited, since when or -1, unread), then the latest moments: domain/talk.py
    add column talk bigint[] not null default '{0,-1,0}' constraint sessions_talk check (cardinality(talk) >= 3);
alter table session.sessions no force row level security;
update session.sessions set talk = array[
    contact_wait_ms, coalesce(floor(extract(epoch from waiting_since) * 1000)::bigint, -1), unread_count];
alter table session.sessions force row level security;
"""

KNOWN = """
create table session.known_chats (
    tenant_id uuid not null,
    chat_key text not null,
    project_id uuid not null,
    chat_id uuid not null,
    version int not null,
    updated_at timestamptz not null default now(),
    primary key (tenant_id, chat_key)
);
create index known_chats_by_id on session.known_chats (tenant_id, chat_id);

-- Of pipelines and projects; without minutes where they allow nothing of their own, or are gone.
create table session.timeouts (
    tenant_id uuid not null,
    owner_id uuid not null,
    minutes int constraint timeouts_minutes check (minutes between 1 and 1440),
    version int not null,
    updated_at timestamptz not null default now(),
    primary key (tenant_id, owner_id)
);

-- One row for each process that consumes. It belongs to no tenant and tells of none.
create table session.consumer_lag (
    replica int primary key,
    lag_s double precision not null,
    measured_at timestamptz not null
) with (fillfactor = 50);
alter table session.consumer_lag enable row level security;
alter table session.consumer_lag force row level security;
create policy everybodys on session.consumer_lag to session_app using (true) with check (true);
grant select, insert, update on session.consumer_lag to session_app;
"""

DUE = """
    select s.tenant_id, s.id from session.sessions s
    where s.status = 'active' and s.check_at < before and get_byte(uuid_send(s.id), 15) % shards = shard
    order by s.check_at limit most
"""
NEXT_CHECK = """
    select s.check_at from session.sessions s
    where s.status = 'active' and get_byte(uuid_send(s.id), 15) % shards = shard
    order by s.check_at limit 1
"""


def upgrade() -> None:
    """Add columns and tables."""
    run_sql(
        TALK
        + KNOWN
        + protect(SCHEMA, "known_chats")
        + protect(SCHEMA, "timeouts")
        + finder_may_read(SCHEMA, "sessions")
        + finder_function(
            SCHEMA,
            "due_sessions(shard int, shards int, before timestamptz, most int)",
            "table (tenant_id uuid, id uuid)",
            DUE,
        )
        + finder_function(SCHEMA, "next_session_check(shard int, shards int)", "timestamptz", NEXT_CHECK)
    )


def downgrade() -> None:
    """Take them back."""
    run_sql("""
    drop function session.due_sessions(int, int, timestamptz, int), session.next_session_check(int, int);
    revoke select on session.sessions from session_finder;
    drop policy finder_reads on session.sessions;
    drop table session.consumer_lag, session.timeouts, session.known_chats;
    alter table session.sessions drop column talk;
    """)
