"""What people read of chats and messages is found by index, with as many statements for many rows as for few."""

from typing import Any

import pytest
from kernel.ids import new_id
from messaging.domain.status import STATUSES, UNSETTLED
from testkit.plans import Watch
from testkit.serving import a_caller

TENANT, PROJECT = new_id(), new_id()
ANA = a_caller(TENANT, PROJECT)
CHANNEL, OTHER_CHANNEL = new_id(), new_id()

# Chats in three projects of two tenants: some are unread, few archived or groups, few of another channel.
CHATS = """
insert into messaging.chats (tenant_id, id, project_id, chat_key, channel_id, channel_type, chat_type, contact_id, status, unread_count,
    created_at, last_message_at)
select $1, gen_random_uuid(), $2, $2::uuid || '-' || n, case when n % 200 = 0 then $4::uuid else $3::uuid end, 'waha',
    case when n % 100 = 1 then 'group' else 'individual' end, case when n % 100 <> 1 then gen_random_uuid() end,
    case when n % 100 = 2 then 'archived' else 'active' end, (n % 50 = 3)::int, now() - n * interval '10 minutes',
    now() - n * interval '5 minutes'
from generate_series(1, $5::int) n
"""
MESSAGES = """
insert into messaging.messages (tenant_id, id, project_id, chat_id, channel_id, channel_type, contact_id, session_id, direction,
    sender_kind, origin, content_type, text, provider_message_id, status, sequence, timestamp, received_at, failure_code)
select tenant_id, gen_random_uuid(), project_id, id, channel_id, 'waha', contact_id, gen_random_uuid(), 'inbound', 'contact', 'live',
    'text', 'hello', gen_random_uuid()::text, case when n = 3 and unread_count > 0 then 'failed' else 'delivered' end, n,
    last_message_at - n * interval '1 minute', now(), case when n = 3 and unread_count > 0 then 'x' end
from messaging.chats, generate_series(1, 5) n
"""

CHAT_LISTS = [
    ({}, "chats_by_last_message"),
    ({"sort": "last_message_at"}, "chats_by_last_message"),
    ({"sort": "-created_at"}, "chats_by_creation"),
    ({"contact_id": new_id()}, "chats_by_contact"),
    ({"channel_id": OTHER_CHANNEL}, "chats_by_channel"),
    ({"unread": "true"}, "chats_unread"),
    ({"unread": "false"}, "chats_by_last_message"),
    ({"status": "archived,closed"}, "chats_put_away"),
    ({"status": "active"}, "chats_by_last_message"),
    ({"chat_type": "group"}, "chats_of_many"),
    ({"chat_type": "individual"}, "chats_by_last_message"),
]
MESSAGE_LISTS = [
    ({}, "messages_by_time"),
    ({"sort": "timestamp"}, "messages_by_time"),
    ({"timestamp_before": "2026-01-01T00:00:00Z"}, "messages_by_time"),
    ({"chat_id": new_id()}, "messages_by_chat"),
    ({"chat_id": new_id(), "sort": "timestamp"}, "messages_by_chat"),
    ({"contact_id": new_id()}, "messages_by_contact"),
    ({"session_id": new_id()}, "messages_by_session"),
    ({"external_id": "ABC"}, "messages_once"),
    ({"status": "failed"}, "messages_unsettled"),
    ({"status": "queued,unknown"}, "messages_unsettled"),
    ({"status": "read,failed"}, "messages_by_time"),
    ({"agent_id": new_id()}, "messages_by_agent"),
    ({"chat_id": new_id(), "status": "failed"}, "messages_by_chat"),
]

EACH_STATUS = """
update messaging.messages m set status = s.status, queued_at = now(), cancelled_at = case s.status when 'cancelled' then now() end,
    failure_code = case s.status when 'failed' then 'x' end
from unnest($1::text[]) with ordinality as s (status, n)
join (select id, row_number() over () as n from messaging.messages limit 9) one using (n)
where m.id = one.id
returning m.status, m.unsettled
"""


@pytest.fixture
async def watch(door: Any) -> Watch:
    """The service over some thousand chats and messages."""
    administrator = door.served.administrator
    await administrator.execute(CHATS, TENANT, PROJECT, CHANNEL, OTHER_CHANNEL, 4000)
    await administrator.execute(CHATS, TENANT, new_id(), CHANNEL, OTHER_CHANNEL, 2000)
    await administrator.execute(CHATS, new_id(), new_id(), CHANNEL, OTHER_CHANNEL, 2000)
    await administrator.execute(MESSAGES)
    await administrator.execute("vacuum analyze messaging.chats, messaging.messages")
    return Watch(door.served)


async def test_every_list_of_chats_is_read_by_index(watch: Watch) -> None:
    for query, index in CHAT_LISTS:
        (plan,) = await watch.plans(ANA, "/crm/chats", **query)

        assert plan.scanned == [], query
        assert plan.indexes == {index, "channels_pkey"}, query
        assert plan.sorts_everything == (index == "chats_by_contact"), query


async def test_every_list_of_messages_is_read_by_index(watch: Watch) -> None:
    for query, index in MESSAGE_LISTS:
        found, page = await watch.plans(ANA, "/crm/messages", **query)

        assert found.scanned == page.scanned == [], query
        assert found.indexes == {index}, query
        assert page.indexes == {"messages_pkey", "channels_pkey", "media_objects_pkey", "resting_projects_pkey"}, query


async def test_lists_of_messages_are_read_in_their_order_and_not_sorted(watch: Watch) -> None:
    for query, index in MESSAGE_LISTS:
        found, _ = await watch.plans(ANA, "/crm/messages", **query)
        assert found.sorts_everything == (index in ("messages_by_session", "messages_once")), query


async def test_the_next_page_is_looked_up_where_the_last_one_ended(watch: Watch) -> None:
    chat = await watch.served.administrator.fetchval(
        "select id from messaging.chats where tenant_id = $1 and project_id = $2", TENANT, PROJECT
    )
    for path, index, query in (
        ("/crm/chats", "chats_by_last_message", {}),
        ("/crm/messages", "messages_by_chat", {"chat_id": chat}),
    ):
        answer = await watch.served.ask(ANA, "GET", path, params={"limit": 2, **query})

        found, *_ = await watch.plans(ANA, path, limit=2, cursor=answer.json()["next_cursor"], **query)

        assert found.scanned == []
        assert any(" < " in condition or "<=" in condition for condition in found.conditions(index)), path


async def test_a_page_costs_as_many_statements_as_a_single_row(watch: Watch) -> None:
    for path, count in (("/crm/chats", 3), ("/crm/messages", 4)):
        for limit in (1, 100):
            statements = await watch.statements(ANA, path, limit=limit)
            assert len(statements) == count, [statement.sql for statement in statements]


async def test_the_database_calls_the_same_statuses_unsettled(watch: Watch) -> None:
    rows = await watch.served.administrator.fetch(
        EACH_STATUS,
        list(STATUSES),
    )

    assert {row["status"] for row in rows} == set(STATUSES)
    assert {row["status"] for row in rows if row["unsettled"]} == UNSETTLED
