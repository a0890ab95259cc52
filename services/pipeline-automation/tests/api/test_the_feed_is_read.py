"""Reading the feed: one body for all, an order to go on in, waiting without holding anything, and nothing that is not one's own."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from contracts.envelope import AnyEvent, first_event
from contracts.message.received_v1 import MessageReceivedV1
from contracts.public import public_events
from feeding import another_type, feed
from jsonschema import Draft202012Validator
from kernel.ids import first_id_at, new_id
from pipeline_automation.adapters import feed_watch
from pipeline_automation.domain.feed import KEPT, cursor_of, place_at, place_before_oldest
from testkit.serving import Served, a_caller
from web.caller import Caller

DAY = timedelta(days=1)


def received(caller: Caller, **more: Any) -> AnyEvent:
    """Return that a message was stored, in the caller's project."""
    example = public_events()["message.received.v1"].example["data"]
    ids = {name: new_id() for name in ("message_id", "chat_id", "channel_id", "contact_id", "session_id")}
    data = MessageReceivedV1(
        **{name: value for name, value in example.items() if name not in ("occurred_at", "received_at")}
        | {"occurred_at": datetime.now(UTC), "received_at": datetime.now(UTC)}
        | ids
        | {name: more.pop(name) for name in ids if name in more}
    )
    event = first_event(
        data,
        id=new_id(),
        source="messaging",
        subject=data.message_id,
        time=datetime(2026, 11, 21, 12, 0, tzinfo=UTC),
        tenant_id=caller.tenant_id,
        project_id=caller.project_id,
        partition_key=data.chat_key,
        correlation_id=new_id(),
        actor=f"contact:{data.contact_id}",
    )
    return another_type(event, more.pop("type", event.type), **more)


async def heard(served: Served, *events: AnyEvent) -> None:
    async with served.parts.works.begin({event.tenantid for event in events}) as work:
        await feed(work, *events)


async def found(served: Served, caller: Caller, query: str = "") -> list[str]:
    """Return the ids of the events that a question finds."""
    answer = await served.ask(caller, "GET", f"/events{query}")
    assert answer.status_code == 200, answer.text
    return [each["id"] for each in answer.json()["data"]]


@asynccontextmanager
async def watched(served: Served) -> AsyncIterator[asyncio.Event]:
    """Run what wakes those who wait, as the service's process does."""
    stopping = asyncio.Event()
    (watch,) = served.blueprint.waiting
    running = asyncio.create_task(watch.run(stopping))
    yield stopping
    stopping.set()
    await running


async def test_an_event_is_shown_as_everywhere_with_its_data_as_it_was_said(served: Served, ana: Caller) -> None:
    event = received(ana, causationid=new_id())
    await heard(served, event)

    answer = await served.ask(ana, "GET", "/events")

    (body,) = answer.json()["data"]
    assert body == {
        "id": event.id,
        "type": "message.received",
        "version": 1,
        "timestamp": "2026-11-21T12:00:00.000Z",
        "tenant_id": ana.tenant_id,
        "project_id": ana.project_id,
        "subject": event.data.message_id,
        "actor": {"kind": "contact", "id": event.data.contact_id},
        "correlation_id": event.correlationid,
        "causation_id": event.causationid,
        "cursor": answer.json()["next_cursor"],
        "data": body["data"],
    }
    Draft202012Validator(public_events()[event.type].schema).validate(body["data"])
    assert body["data"]["content"] == public_events()[event.type].example["data"]["content"]
    assert (await served.ask(ana, "GET", f"/events/{event.id}")).json() == body
    assert answer.json()["has_more"] is False
    assert f'cursor={body["cursor"]}>; rel="next"' in answer.headers["link"]


async def test_who_goes_on_from_a_cursor_sees_everything_once_in_order(served: Served, ana: Caller) -> None:
    events = [received(ana) for _ in range(7)]
    await heard(served, *events[:4])
    await heard(served, *events[4:])
    cursor, seen = "", []
    for name in ("cursor", "after", "cursor", "after"):
        page = (await served.ask(ana, "GET", f"/events?limit=3{cursor}")).json()
        seen += [each["id"] for each in page["data"]]
        cursor = f"&{name}={page['next_cursor']}"
    assert seen == [event.id for event in events]
    assert (page["data"], page["has_more"]) == ([], False)
    later = received(ana)
    await heard(served, later)
    assert await found(served, ana, f"?limit=3{cursor}") == [later.id]


async def test_each_filter_finds_what_it_names(served: Served, ana: Caller) -> None:
    mine = received(
        ana, type="session.started.v1", correlationid=new_id(), time=datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
    )
    data = mine.data
    await heard(served, received(ana), mine, received(ana, type="channel.created.v1"))
    at = mine.time
    for query in (
        "types=session.started",
        "types=session.*",
        "types=session.ended,session.started",
        f"subject={data.message_id}",
        *(f"{name}={getattr(data, name)}" for name in ("contact_id", "session_id", "chat_id", "channel_id")),
        f"correlation_id={mine.correlationid}",
        f"since={(at - DAY).isoformat()[:19]}Z&until={(at + DAY).isoformat()[:19]}Z",
        f"types=session.*&contact_id={data.contact_id}&project_id={ana.project_id}",
    ):
        assert await found(served, ana, f"?{query}") == [mine.id], query
    for query in (f"contact_id={new_id()}", f"types=message.*&contact_id={data.contact_id}"):
        assert await found(served, ana, f"?{query}") == [], query
    assert await found(served, ana, f"?types=session.*&since={datetime.now(UTC).isoformat()[:19]}Z") == []


async def test_a_question_that_cannot_be_answered_is_refused(served: Served, ana: Caller) -> None:
    for query, status, code in (
        ("types=message.created", 400, "validation_failed"),
        ("types=nothing.*", 400, "validation_failed"),
        ("wait=26", 400, "validation_failed"),
        ("wait=-1", 400, "validation_failed"),
        ("limit=101", 400, "limit_out_of_range"),
        ("colour=red", 400, "validation_failed"),
        ("contact_id=x", 400, "invalid_id"),
        ("cursor=x", 400, "invalid_cursor"),
        ("after=AAAAAAAAB9p", 400, "invalid_cursor"),
        ("cursor=__________8", 400, "invalid_cursor"),
        (f"project_id={new_id()}", 404, "not_found"),
        ("types=billing.*", 403, "permission_denied"),
    ):
        answer = await served.ask(ana, "GET", f"/events?{query}")
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


async def test_a_cursor_expires_with_what_stood_behind_it_and_tells_where_to_begin(served: Served, ana: Caller) -> None:
    event = received(ana)
    await heard(served, event)
    old = cursor_of(place_at(datetime.now(UTC) - KEPT - DAY))

    refused = await served.ask(ana, "GET", f"/events?cursor={old}")

    assert (refused.status_code, refused.json()["code"]) == (410, "cursor_expired")
    assert await found(served, ana, f"?cursor={refused.json()['oldest_cursor']}") == [event.id]
    said_long_ago = first_id_at(int((datetime.now(UTC) - KEPT - 2 * DAY).timestamp() * 1000))
    assert (await served.ask(ana, "GET", f"/events/{said_long_ago}")).status_code == 410
    assert (await served.ask(ana, "GET", f"/events/{new_id()}")).status_code == 404


async def test_a_cursor_that_is_used_does_not_expire_however_quiet_its_tenant_is(served: Served, ana: Caller) -> None:
    oldest = cursor_of(place_before_oldest(datetime.now(UTC)))
    page = (await served.ask(ana, "GET", f"/events?cursor={oldest}")).json()
    place = int.from_bytes(base64.urlsafe_b64decode(page["next_cursor"] + "="), "big")
    assert place_at(datetime.now(UTC) - 2 * DAY) < place < place_at(datetime.now(UTC) - timedelta(minutes=59))


async def test_who_waits_is_answered_when_something_comes_and_holds_no_connection(served: Served, ana: Caller) -> None:
    cursor = (await served.ask(ana, "GET", "/events")).json()["next_cursor"]
    event, pool = received(ana), served.parts.database.pool
    async with watched(served):
        asked = asyncio.create_task(
            served.ask(ana, "GET", f"/events?cursor={cursor}&wait=20&contact_id={event.data.contact_id}")
        )
        await asyncio.sleep(0.05)
        lent = [pool.get_size() - pool.get_idle_size() for _ in range(20) if not await asyncio.sleep(0.005)]
        await heard(served, received(ana))  # wakes, and is not what is waited for
        assert not asked.done()
        await heard(served, event)
        answer = await asyncio.wait_for(asked, 10)
    assert 0 in lent
    assert [each["id"] for each in answer.json()["data"]] == [event.id]


async def test_who_waits_in_vain_is_answered_in_time_and_when_the_service_stops(served: Served, ana: Caller) -> None:
    loop = asyncio.get_running_loop()
    async with watched(served) as stopping:
        began = loop.time()
        answer = await served.ask(ana, "GET", "/events?wait=1")
        assert (answer.status_code, answer.json()["data"], 0.9 < loop.time() - began < 10) == (200, [], True)
        asked = asyncio.create_task(served.ask(ana, "GET", "/events?wait=25"))
        await asyncio.sleep(0.05)
        stopping.set()
        assert (await asyncio.wait_for(asked, 10)).status_code == 200


async def test_too_many_who_wait_are_answered_at_once(
    served: Served, ana: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_watch, "MOST_WAITING_OF_A_TENANT", 1)
    async with watched(served):
        waits = asyncio.create_task(served.ask(ana, "GET", "/events?wait=25"))
        await asyncio.sleep(0.05)
        answer = await asyncio.wait_for(served.ask(ana, "GET", "/events?wait=25"), 1)
        assert answer.json()["data"] == []
        assert not waits.done()
    await waits


async def test_everybody_sees_their_project_and_what_is_the_tenants(served: Served, ana: Caller) -> None:
    elsewhere = a_caller(ana.tenant_id, new_id())
    stranger = a_caller(new_id(), ana.project_id)
    viewer = a_caller(ana.tenant_id, ana.project_id, role="viewer")
    owner = a_caller(ana.tenant_id, ana.project_id, owner=True)
    agent = a_caller(ana.tenant_id, ana.project_id, role="agent")
    mine, theirs = received(ana), received(elsewhere)
    everybodys = received(ana, type="agent.created.v1", projectid=None)
    bill = received(ana, type="billing.account_created.v1", projectid=None)
    await heard(served, mine, theirs, everybodys, bill)

    assert await found(served, ana) == await found(served, viewer) == [mine.id, everybodys.id]
    assert await found(served, elsewhere) == [theirs.id, everybodys.id]
    assert await found(served, owner) == [mine.id, everybodys.id, bill.id]
    assert await found(served, owner, "?types=billing.*") == [bill.id]
    assert await found(served, ana, "?types=billing.*,agent.*") == [everybodys.id]
    assert await found(served, ana, f"?project_id={ana.project_id}") == [mine.id]
    assert await found(served, stranger) == []
    for caller, event, status in (
        (owner, bill, 200),
        (ana, bill, 404),
        (ana, theirs, 404),
        (stranger, mine, 404),
        (agent, mine, 403),
    ):
        assert (await served.ask(caller, "GET", f"/events/{event.id}")).status_code == status
    assert (await served.ask(agent, "GET", "/events")).status_code == 403


async def test_the_types_are_those_that_are_offered_each_with_an_example_of_its_body(
    served: Served, ana: Caller
) -> None:
    offered = (await served.ask(ana, "GET", "/events/types")).json()["data"]
    assert [(each["type"], each["version"]) for each in offered] == [
        (e.name, e.version) for e in public_events().values()
    ]
    for each in offered:
        Draft202012Validator(each["schema"]).validate(each["example"])
        assert each["example"]["type"] == each["type"]
    (one,) = (await served.ask(ana, "GET", "/events/types?prefix=message.received")).json()["data"]
    assert (one["group"], one["description"]) == ("messages", "an inbound message is stored in its chat.")
    with pytest.raises(Exception, match="was expected"):
        Draft202012Validator(one["schema"]).validate(one["example"] | {"type": "message.sent"})
