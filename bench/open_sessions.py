"""What open sessions cost the line: the same load with few of them and with 100,000 more, in turns.

Few are those of the customers who write. The others are written set-based, as the session service would have: active, with their chats
known to session and messaging, and due in 70 to 190 minutes, so the keeper of deadlines sees them and ends none.
"""

import asyncio
from typing import Any

import asyncpg
from line import Line
from stand import Stand
from tables import print_rows

OPEN, SECONDS, CONNECTIONS = 100_000, 30.0, 64
PER_S = 500.0
"""Not more: where a machine is nearly full, what others do on it moves latencies by more than anything that is looked for here."""
TURNS = (0, OPEN, OPEN, 0)
"""What drifts evenly meanwhile cancels out."""
WATCHED = ("session", "postgres", "temporal")

MADE = """
create temporary table made on commit drop as
select c.tenant_id, c.project_id, c.id as channel_id, uuidv7() as contact_id, uuidv7() as session_id, uuidv7() as chat_id,
    now() - n % 7200 * interval '1 s' as at
from generate_series(1, $1::int) n
join (select *, row_number() over (order by tenant_id) as place, count(*) over () as channels from messaging.channels) c
    on c.place = 1 + n % c.channels
"""
WRITTEN = (
    """
insert into session.sessions (tenant_id, id, project_id, chat_key, contact_id, channel_id, channel_type, origin, status, started_at,
    last_activity_at, timeout_minutes, timeout_at, check_at, message_count, messages_from_contact, messages_from_agent, unread_count,
    first_message_at, last_message_at, first_contact_message_at, waiting_since, contact_wait_ms, talk)
select tenant_id, session_id, project_id, channel_id || ':' || contact_id, contact_id, channel_id, 'waha', 'inbound', 'active', at,
    at, 190, at + interval '190 min', at + interval '190 min', 1, 1, 0, 1, at, at, at, at, 0,
    array[0, extract(epoch from at)::bigint * 1000, 1]
from made
""",
    """
insert into session.known_chats (tenant_id, chat_key, project_id, chat_id, version)
select tenant_id, channel_id || ':' || contact_id, project_id, chat_id, 1 from made
""",
    """
insert into messaging.open_sessions (tenant_id, id, project_id, chat_key, started_at)
select tenant_id, session_id, project_id, channel_id || ':' || contact_id, at from made
""",
)
REMOVED = (
    "delete from messaging.open_sessions where id in (select id from session.sessions where timeout_minutes = 190)",
    "delete from session.known_chats k using session.sessions s"
    " where s.timeout_minutes = 190 and k.tenant_id = s.tenant_id and k.chat_key = s.chat_key",
    "delete from session.sessions where timeout_minutes = 190",
)
SWEPT = "vacuum analyze session.sessions, session.known_chats, messaging.open_sessions"
"""As autovacuum would in time. With a checkpoint behind it both kinds of turns begin alike: what was written here is on the disk."""


def measure(stand: Stand) -> dict[str, Any]:
    """Return every turn, and what the means of those with many are of those with few."""
    stand.fresh()
    line = Line(stand)
    line.meet(CONNECTIONS)
    line.step(PER_S, 5.0, CONNECTIONS)  # the first turn shall not be the first load
    turns = [_turn(stand, line, more) for more in TURNS]
    print_rows(turns, "open", "p50_ms", "p99_ms")
    few, many = ([turn for turn in turns if (turn["more"] > 0) == wanted] for wanted in (False, True))
    ratios = {
        name: _ratio([turn[name] for turn in many], [turn[name] for turn in few]) for name in ("p50_ms", "p99_ms")
    }
    for name in WATCHED:
        costs = ([turn["cpu_s_per_1000"].get(name, 0.0) for turn in turns] for turns in (many, few))
        ratios[f"cpu_{name}"] = _ratio(*costs)
    print(f"  with many, as multiples of with few: {ratios}")
    return {"few": few, "many": many, "many_to_few": ratios}


def _turn(stand: Stand, line: Line, more: int) -> dict[str, Any]:
    opened = asyncio.run(_prepare(stand, more))
    figures = line.step(PER_S, SECONDS, CONNECTIONS).figures()
    return {
        "more": more,
        "open": opened,
        "p50_ms": figures["p50_ms"],
        "p99_ms": figures["p99_ms"],
        "cpu_s_per_1000": figures["cpu_s_per_1000"],
        "rows_per_transaction": figures["rows_per_transaction"],
        "why_not": figures["why_not"],
    }


async def _prepare(stand: Stand, more: int) -> int:
    """Let there be so many more open sessions than those of who writes; return how many are open."""
    connection = await asyncpg.connect(stand.instance.postgres_superuser_dsn, command_timeout=120)
    try:
        async with connection.transaction():
            for statement in REMOVED:
                await connection.execute(statement)
            if more:
                await connection.execute(MADE, more)
                for statement in WRITTEN:
                    await connection.execute(statement)
        await connection.execute(SWEPT)
        await connection.execute("checkpoint")
        return int(await connection.fetchval("select count(*) from session.sessions where status = 'active'"))
    finally:
        await connection.close()


def _ratio(many: list[float | None], few: list[float | None]) -> float | None:
    """Return what the mean of one is of the other's; None where a turn has no figure."""
    if None in many or None in few or not sum(each or 0 for each in few):
        return None
    return round(sum(each or 0 for each in many) / sum(each or 0 for each in few), 3)
