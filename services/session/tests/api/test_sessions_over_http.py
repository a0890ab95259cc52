"""Sessions as people and programs see them: the whole service over ASGI, on a real database."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from kernel.ids import new_id
from session.bootstrap import build
from testkit.plugin import DatabaseOf
from testkit.serving import Served, a_caller, serving

TENANT, PROJECT = new_id(), new_id()
CONTACT, CHANNEL = new_id(), new_id()
ANA = a_caller(TENANT, PROJECT)
STRANGER = a_caller(new_id(), PROJECT)

FIELDS = {
    "id", "tenant_id", "project_id", "version", "created_at", "updated_at", "contact_id", "channel_id", "channel_type", "chat_id",
    "pipeline_id", "status", "end_reason", "started_at", "ended_at", "timeout_minutes", "timeout_at", "last_activity_at",
    "message_count", "messages_from_contact", "messages_from_agent", "unread_count", "duration_seconds", "assigned_agent_id",
    "queue_id", "agent_ids", "agent_transfers", "first_contact_message_at", "first_agent_response_at",
    "agent_response_time_seconds", "contact_wait_time_seconds", "waiting_seconds", "summary", "sentiment", "sentiment_score",
    "topics", "next_steps", "key_entities", "resolved", "escalated", "converted", "outcome_tags", "csat", "reopened_count",
}  # fmt: skip


class Sessions:
    """The service, and rows to ask it for."""

    def __init__(self, served: Served, administrator: asyncpg.Connection) -> None:
        self.served = served
        self.administrator = administrator

    async def a_session(self, minutes_ago: float = 10, *, messages: int = 3, **columns: Any) -> str:
        """Store an open session that began some minutes ago; return its id."""
        found = {"contact_id": CONTACT, "tenant_id": TENANT, "project_id": PROJECT, **columns}
        session_id = new_id()
        await self.administrator.execute(
            "insert into session.sessions (tenant_id, id, project_id, chat_key, contact_id, channel_id, channel_type, origin, status,"
            " started_at, last_activity_at, timeout_minutes, timeout_at, check_at, message_count, messages_from_contact,"
            " messages_from_agent, unread_count, contact_wait_ms, first_contact_message_at, first_agent_response_at, waiting_since)"
            " select $1, $2::uuid, $3, $2::uuid::text, $4, $5, 'waha', 'inbound', 'active', at, at, 30, at + interval '30 minutes',"
            " at + interval '30 minutes', $6::int, $6::int, 0, $6::int, 61500, at, at + interval '90 seconds', at"
            " from (select date_trunc('second', now()) - make_interval(secs => $7::float8) as at) as began",
            found["tenant_id"], session_id, found["project_id"], found["contact_id"], CHANNEL, messages, minutes_ago * 60.0,
        )  # fmt: skip
        return session_id

    async def listed(self, query: str = "", caller: Any = ANA) -> list[str]:
        """Return the ids of a list."""
        answer = await self.served.ask(caller, "GET", f"/crm/sessions{query}")
        assert answer.status_code == 200, answer.text
        return [session["id"] for session in answer.json()["data"]]


@pytest_asyncio.fixture
async def sessions(database_of: DatabaseOf) -> AsyncIterator[Sessions]:
    found = await database_of("session", "session")
    administrator = await asyncpg.connect(found.superuser_dsn)
    async with serving(found, build) as served:
        yield Sessions(served, administrator)
    await administrator.close()


async def test_a_session_is_read_with_all_its_fields(sessions: Sessions) -> None:
    session_id = await sessions.a_session()

    answer = await sessions.served.ask(ANA, "GET", f"/crm/sessions/{session_id}")

    body = answer.json()
    assert set(body) == FIELDS
    assert answer.headers["ETag"] == '"1"'
    assert (body["status"], body["message_count"], body["contact_wait_time_seconds"]) == ("active", 3, 61)
    assert (body["agent_response_time_seconds"], body["duration_seconds"], body["csat"]) == (90, None, None)
    assert body["waiting_seconds"] >= 600


async def test_a_session_names_its_chat_and_is_found_by_it(sessions: Sessions) -> None:
    session_id, _ = await sessions.a_session(), await sessions.a_session()
    chat_id = new_id()
    await sessions.administrator.execute(
        "insert into session.known_chats (tenant_id, chat_key, project_id, chat_id, version) values ($1, $2, $3, $4, 1)",
        TENANT, session_id, PROJECT, chat_id,
    )  # fmt: skip

    one = await sessions.served.ask(ANA, "GET", f"/crm/sessions/{session_id}")
    await sessions.served.ask(ANA, "POST", f"/crm/sessions/{session_id}/close", json={"reason": "resolved"})

    assert one.json()["chat_id"] == chat_id
    assert await sessions.listed(f"?chat_id={chat_id}") == [session_id]
    assert await sessions.listed(f"?chat_id={chat_id}", STRANGER) == []
    (event,) = await sessions.served.said()
    assert event.data.chat_id == chat_id


async def test_a_session_is_closed_once(sessions: Sessions) -> None:
    session_id = await sessions.a_session()
    path = f"/crm/sessions/{session_id}/close"

    closed = await sessions.served.ask(ANA, "POST", path, json={"reason": "resolved", "notes": "all good"})
    again = await sessions.served.ask(ANA, "POST", path, json={"reason": "resolved"})

    body = closed.json()
    assert (closed.status_code, body["status"], body["end_reason"], body["resolved"]) == (
        200,
        "ended",
        "resolved",
        True,
    )
    assert body["duration_seconds"] >= 600
    assert body["timeout_at"] is None
    assert (again.status_code, again.json()["code"], again.json()["current_state"]) == (409, "invalid_state", "ended")
    (event,) = await sessions.served.said()
    assert (event.type, event.subject, event.partitionkey) == ("session.ended.v1", session_id, session_id)
    assert event.data.metrics.total_messages == 3
    assert event.data.ended_by == event.actor
    assert event.data.resolved is True


async def test_the_same_key_closes_once_and_answers_the_same(sessions: Sessions) -> None:
    path = f"/crm/sessions/{await sessions.a_session()}/close"
    key = {"Idempotency-Key": "close-1"}

    first = await sessions.served.ask(ANA, "POST", path, json={"reason": "manual_close"}, headers=key)
    second = await sessions.served.ask(ANA, "POST", path, json={"reason": "manual_close"}, headers=key)

    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json() == second.json()
    assert len(await sessions.served.said()) == 1


@pytest.mark.parametrize(("asked", "stored"), [("agent_closed", "agent_close"), ("escalated", "escalated")])
async def test_the_reason_is_stored_as_we_call_it(sessions: Sessions, asked: str, stored: str) -> None:
    path = f"/crm/sessions/{await sessions.a_session()}/close"

    body = (await sessions.served.ask(ANA, "POST", path, json={"reason": asked})).json()

    assert body["end_reason"] == stored
    assert body["escalated"] == (stored == "escalated")
    assert body["resolved"] is False


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({}, "/reason", "missing"),
        ({"reason": "inactivity_timeout"}, "/reason", "not_in_enum"),
        ({"reason": "resolved", "notes": "x" * 10_001}, "/notes", "too_long"),
        ({"reason": "resolved", "why": "so"}, "/why", "unknown_field"),
    ],
    ids=["nothing", "reason of the system", "long notes", "unknown field"],
)
async def test_a_wrong_body_is_refused_by_field(sessions: Sessions, body: Any, pointer: str, code: str) -> None:
    path = f"/crm/sessions/{await sessions.a_session()}/close"

    answer = await sessions.served.ask(ANA, "POST", path, json=body)

    assert answer.status_code == 400
    assert {"pointer": pointer, "code": code}.items() <= answer.json()["errors"][0].items()


async def test_lists_are_filtered_and_sorted(sessions: Sessions) -> None:
    other = new_id()
    old = await sessions.a_session(60, messages=9)
    young = await sessions.a_session(5, contact_id=other, messages=1)
    await sessions.served.ask(ANA, "POST", f"/crm/sessions/{old}/close", json={"reason": "resolved"})

    assert await sessions.listed() == [young, old]
    assert await sessions.listed("?sort=started_at") == [old, young]
    assert await sessions.listed("?sort=-message_count") == [old, young]
    assert await sessions.listed("?sort=-last_activity_at") == [young, old]
    assert await sessions.listed("?sort=-ended_at") == [old, young]
    assert await sessions.listed("?sort=-duration_seconds") == [old, young]
    assert await sessions.listed("?sort=-waiting_seconds") == [young, old]
    assert await sessions.listed("?status=active") == [young]
    assert await sessions.listed("?status=manually_closed") == [old]
    assert await sessions.listed("?status=expired") == []
    assert await sessions.listed("?status=active,ended") == [young, old]
    assert await sessions.listed("?end_reason=resolved") == [old]
    assert await sessions.listed(f"?contact_id={other}") == [young]
    assert await sessions.listed("?resolved=true") == [old]
    assert await sessions.listed("?escalated=true") == []
    assert await sessions.listed("?min_messages=2&max_messages=9") == [old]
    assert await sessions.listed("?min_waiting_seconds=60") == [young]
    assert await sessions.listed(f"?channel_id={new_id()}") == []
    assert await sessions.listed("?started_after=2999-01-01T00:00:00Z") == []


@pytest.mark.parametrize(
    "sort", ["started_at", "ended_at", "last_activity_at", "message_count", "duration_seconds", "waiting_seconds"]
)
@pytest.mark.parametrize("direction", ["", "-"])
async def test_pages_follow_each_other_without_gaps(sessions: Sessions, sort: str, direction: str) -> None:
    made = [await sessions.a_session(number, messages=number % 3) for number in (1, 70, 70, 200, 3, 4, 5)]
    for session_id in made[:3]:
        await sessions.served.ask(ANA, "POST", f"/crm/sessions/{session_id}/close", json={"reason": "manual_close"})
    whole = await sessions.listed(f"?sort={direction}{sort}")

    paged: list[str] = []
    query = f"?sort={direction}{sort}&limit=2"
    while True:
        page = (await sessions.served.ask(ANA, "GET", f"/crm/sessions{query}")).json()
        paged += [session["id"] for session in page["data"]]
        if not page["has_more"]:
            break
        query = f"?sort={direction}{sort}&limit=2&cursor={page['next_cursor']}"

    assert paged == whole
    assert set(paged) == set(made)


@pytest.mark.parametrize(
    "query", ["?assigned_to=me", "?sort=chat_key", "?status=sleeping", "?contact_id=1", "?limit=0"]
)
async def test_what_the_list_does_not_know_is_refused(sessions: Sessions, query: str) -> None:
    assert (await sessions.served.ask(ANA, "GET", f"/crm/sessions{query}")).status_code == 400


async def test_another_tenant_sees_nothing_and_closes_nothing(sessions: Sessions) -> None:
    session_id = await sessions.a_session()

    assert await sessions.listed(caller=STRANGER) == []
    for method, path, body in (
        ("GET", f"/crm/sessions/{session_id}", None),
        ("POST", f"/crm/sessions/{session_id}/close", {"reason": "resolved"}),
    ):
        assert (await sessions.served.ask(STRANGER, method, path, json=body)).status_code == 404
    assert await sessions.listed("?status=active") == [session_id]


async def test_another_project_has_a_list_of_its_own(sessions: Sessions) -> None:
    await sessions.a_session()

    assert await sessions.listed(caller=a_caller(TENANT, new_id())) == []


async def test_a_viewer_reads_and_closes_nothing(sessions: Sessions) -> None:
    session_id = await sessions.a_session()
    viewer = a_caller(TENANT, PROJECT, role="viewer")

    assert await sessions.listed(caller=viewer) == [session_id]
    refused = await sessions.served.ask(
        viewer, "POST", f"/crm/sessions/{session_id}/close", json={"reason": "resolved"}
    )
    assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied")
