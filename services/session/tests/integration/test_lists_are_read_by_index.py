"""What people read of sessions is found by index, with as many statements for many rows as for few."""

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio
from kernel.ids import new_id
from session.bootstrap import build
from testkit.plans import Watch
from testkit.plugin import DatabaseOf
from testkit.serving import a_caller, serving

TENANT, PROJECT = new_id(), new_id()
ANA = a_caller(TENANT, PROJECT)
CHAT = new_id()

SESSIONS = """
insert into session.sessions (tenant_id, id, project_id, chat_key, contact_id, channel_id, channel_type, origin, status, end_reason,
    started_at, ended_at, last_activity_at, timeout_minutes, timeout_at, check_at, message_count, messages_from_contact,
    messages_from_agent, unread_count, contact_wait_ms)
select $1, gen_random_uuid(), $2, $2::uuid || '-' || n, gen_random_uuid(), gen_random_uuid(), 'waha', 'inbound',
    case when n % 100 = 0 then 'active' else 'ended' end, case when n % 100 <> 0 then 'resolved' end, at,
    case when n % 100 <> 0 then at end, at, 30, at + interval '30 minutes', at + interval '30 minutes', 1, 1, 0, 1, 0
from generate_series(1, $3::int) n, lateral (select now() - n * interval '10 minutes' as at) began
"""
KNOWN = """
insert into session.known_chats (tenant_id, chat_key, project_id, chat_id, version)
select tenant_id, chat_key, project_id, gen_random_uuid(), 1 from session.sessions
"""
LISTS: list[tuple[dict[str, Any], str]] = [
    ({}, "sessions_by_start"),
    ({"sort": "started_at"}, "sessions_by_start"),
    ({"started_after": "2026-01-01T00:00:00Z"}, "sessions_by_start"),
    ({"sort": "-last_activity_at"}, "sessions_by_activity"),
    ({"contact_id": new_id()}, "sessions_by_contact"),
    ({"status": "active"}, "sessions_active"),
]


@pytest_asyncio.fixture
async def watch(database_of: DatabaseOf) -> AsyncIterator[Watch]:
    """The service over some thousand sessions."""
    async with serving(await database_of("session", "session"), build) as served:
        for tenant, project, count in ((TENANT, PROJECT, 5000), (TENANT, new_id(), 2000), (new_id(), new_id(), 2000)):
            await served.administrator.execute(SESSIONS, tenant, project, count)
        await served.administrator.execute(KNOWN)
        await served.administrator.execute("vacuum analyze session.sessions, session.known_chats")
        yield Watch(served)


async def test_every_list_is_read_by_index_and_in_its_order(watch: Watch) -> None:
    for query, index in LISTS:
        (plan,) = await watch.plans(ANA, "/crm/sessions", **query)

        assert plan.scanned == [], query
        assert plan.indexes == {index, "known_chats_pkey"}, query
        assert not plan.sorts_everything, query


async def test_the_sessions_of_a_chat_are_looked_up_by_its_key(watch: Watch) -> None:
    (plan,) = await watch.plans(ANA, "/crm/sessions", chat_id=CHAT)

    assert plan.scanned == []
    assert "known_chats_by_id" in plan.indexes


async def test_a_page_costs_as_many_statements_as_a_single_row(watch: Watch) -> None:
    for limit in (1, 100):
        statements = await watch.statements(ANA, "/crm/sessions", limit=limit)
        assert len(statements) == 3, [statement.sql for statement in statements]
