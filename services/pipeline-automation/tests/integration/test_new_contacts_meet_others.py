"""What a new contact costs in rows, and what becomes of it when several transactions are about it at once."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from contracts.channel.created_v1 import ChannelCreatedV1
from contracts.contact.known_identity import KnownIdentity
from contracts.contact.tag_added_v1 import ContactTagAddedV1
from kernel.failures import Failure
from kernel.ids import new_id
from pipeline_automation.application.move_placements import move_placements
from pipeline_automation.bootstrap import work_of
from pipeline_automation.domain.placement import Move
from postgres.failures import classify

WRITTEN = """
select relname, n_tup_ins, n_tup_upd from pg_stat_xact_user_tables
where schemaname = 'pipeline_automation' and relname in ('contacts', 'placements')
"""
PLACES = """
select p.contact_id::text as contact, l.name as pipeline, s.name as status, p.exited_at is null as open
from placements p join statuses s on s.tenant_id = p.tenant_id and s.id = p.status_id
join pipelines l on l.tenant_id = p.tenant_id and l.id = p.pipeline_id order by p.entered_at, p.id
"""


@asynccontextmanager
async def hearing(reactions: Any, *events: Any) -> AsyncIterator[None]:
    """A transaction of another replica that has heard these events, each type by its handler, and is not committed yet."""
    async with reactions.works.begin({event.tenantid for event in events}) as unit:
        await reactions.apply(events, unit)
        yield


async def written(reactions: Any, *events: Any) -> dict[str, tuple[int, int]]:
    """Let the service hear events; return how many rows of each table were inserted and updated."""
    async with reactions.works.begin({event.tenantid for event in events}) as unit:
        # The connection's earlier transactions may not have been counted elsewhere yet.
        before = {row["relname"]: row for row in await unit.connection.fetch(WRITTEN)}
        await reactions.apply(events, unit)
        after = await unit.connection.fetch(WRITTEN)
    return {
        row["relname"]: tuple(row[count] - before[row["relname"]][count] for count in ("n_tup_ins", "n_tup_upd"))
        for row in after
    }


async def held_up(awaitable: Awaitable[Any]) -> asyncio.Future[Any]:
    """Begin something that has to wait for a transaction of somebody else."""
    task = asyncio.ensure_future(awaitable)
    done, _ = await asyncio.wait([task], timeout=0.2)
    assert not done
    return task


async def places(reactions: Any) -> list[tuple[str, str, bool]]:
    return [(row["contact"], row["status"], row["open"]) for row in await reactions.line.rows(PLACES)]


def created(reactions: Any, place: Any, contact: str, *, channel: bool = False) -> Any:
    identities = (KnownIdentity(kind="wa_pn", value="12025550143@c.us", channel_id=place.channel),) if channel else ()
    return reactions.event(place, reactions.a_contact(place, contact, identities=identities))


def tagged(reactions: Any, place: Any, contact: str) -> Any:
    data = ContactTagAddedV1(contact_id=contact, tag="vip", version=2)
    return reactions.event(place, data)


def channel_created(reactions: Any, place: Any, pipeline: str | None = None) -> Any:
    data = ChannelCreatedV1(
        channel_id=place.channel,
        name="Sales",
        type="waha",
        status="active",
        allow_groups=False,
        tracking_enabled=True,
        ai_enabled=False,
        ai_agents_enabled=False,
        debounce_timeout_ms=0,
        version=1,
        pipeline_id=pipeline,
    )
    return reactions.event(place, data)


async def a_move(reactions: Any, place: Any, contact: str, status: str, unit: Any) -> str:
    """Move a contact as a person does; return where it stood."""
    move = Move(
        tenant_id=place.tenant,
        project_id=place.project,
        contact_id=contact,
        status_id=place.statuses[status],
        actor="user:x",
        because=reactions.message(place, contact),
    )
    (outcome,) = await move_placements([move], work_of(unit))
    assert outcome.result == "moved"
    return outcome.before.status.name if outcome.before else ""


async def test_a_new_contact_is_written_once(reactions: Any) -> None:
    place = await reactions.a_place()
    await reactions.hear(channel_created(reactions, place))
    contacts = [new_id() for _ in range(100)]
    events = [created(reactions, place, contact, channel=number % 2 == 0) for number, contact in enumerate(contacts)]

    assert await written(reactions, *events) == {"contacts": (100, 0), "placements": (100, 0)}
    assert await written(reactions, *events) == {"contacts": (0, 0), "placements": (0, 0)}, "old news"
    assert {contact for contact, *_ in await places(reactions)} == set(contacts)


async def test_who_waits_for_a_door_or_was_only_known_to_exist_is_written_once_more(reactions: Any) -> None:
    place = await reactions.a_place()
    contacts = [new_id() for _ in range(10)]
    waiting = [created(reactions, place, contact, channel=True) for contact in contacts]
    ana = new_id()

    assert await written(reactions, *waiting) == {"contacts": (10, 0), "placements": (0, 0)}
    assert await written(reactions, channel_created(reactions, place)) == {"contacts": (0, 10), "placements": (10, 0)}
    assert await written(reactions, tagged(reactions, place, ana)) == {"contacts": (1, 0), "placements": (0, 0)}
    assert await written(reactions, created(reactions, place, ana)) == {"contacts": (0, 1), "placements": (1, 0)}
    (row,) = await reactions.line.rows("select name, tags, first_place from contacts where id = $1", ana)
    assert tuple(row) == ("Ana Souza", ["vip"], "settled")


@pytest.mark.parametrize("first", ["created", "tagged"])
async def test_of_two_who_hear_of_the_same_new_contacts_at_once_one_begins_again(reactions: Any, first: str) -> None:
    place = await reactions.a_place()
    contacts = [new_id() for _ in range(5)]
    told = {
        "created": [created(reactions, place, each) for each in contacts],
        "tagged": [tagged(reactions, place, each) for each in contacts[::-1]],
    }
    other = told["tagged" if first == "created" else "created"]

    async with hearing(reactions, *told[first]):
        beaten = await held_up(reactions.hear(*other))
    with pytest.raises(asyncpg.UniqueViolationError) as refused:
        await beaten
    assert classify(refused.value) is Failure.RACE, "the bus repeats the whole batch"
    await reactions.hear(*other)

    assert sorted(await places(reactions)) == sorted((each, "Novo", True) for each in contacts)
    rows = await reactions.line.rows("select name, tags from contacts")
    assert [tuple(row) for row in rows] == [("Ana Souza", ["vip"])] * 5


@pytest.mark.parametrize("first", ["created", "message"])
async def test_a_rule_runs_once_whether_the_contact_or_its_message_is_a_moment_earlier(
    reactions: Any, first: str
) -> None:
    ana = new_id()
    place = await reactions.a_place()
    rule = await reactions.rule(place, "message.received", reactions.say("Olá {{ contact.first_name }}"))
    message, contact = reactions.message(place, ana, contact_name=None), created(reactions, place, ana)

    if first == "message":
        async with hearing(reactions, message):
            beaten = await held_up(reactions.hear(contact))
        with pytest.raises(asyncpg.UniqueViolationError):
            await beaten
        assert len(await reactions.line.rows("select from waiting_triggers")) == 1
        said = await reactions.hear(contact)
    else:
        async with hearing(reactions, contact):
            later = await held_up(reactions.hear(message))
        said = await later

    (wish,) = [each for each in said if each.type == "message.compose_requested.v1"]
    assert "Olá Ana" in bytes(wish.data.content).decode()
    assert await reactions.states(rule) == [("succeeded", None)]
    assert await reactions.line.rows("select from waiting_triggers") == []


async def test_whom_somebody_moves_just_then_is_not_placed_again(reactions: Any) -> None:
    ana = new_id()
    place = await reactions.a_place(new_id())
    await reactions.hear(tagged(reactions, place, ana))

    async with reactions.works.begin([place.tenant]) as unit:
        assert await a_move(reactions, place, ana, "Ganho", unit) == ""
        placing = await held_up(reactions.hear(created(reactions, place, ana)))
    assert await placing == []

    assert [each for each in await places(reactions) if each[0] == ana] == [(ana, "Ganho", True)]


async def test_a_move_waits_for_the_first_place_and_starts_there(reactions: Any) -> None:
    ana = new_id()
    place = await reactions.a_place(new_id())
    await reactions.hear(tagged(reactions, place, ana))

    async def move() -> str:
        async with reactions.works.begin([place.tenant]) as unit:
            return await a_move(reactions, place, ana, "Ganho", unit)

    async with hearing(reactions, created(reactions, place, ana)):
        moving = await held_up(move())

    assert await moving == "Novo"
    assert [each for each in await places(reactions) if each[0] == ana] == [(ana, "Novo", False), (ana, "Ganho", True)]


async def test_a_pipeline_that_is_switched_off_just_then_is_passed_by(reactions: Any) -> None:
    ana, own = new_id(), new_id()
    place = await reactions.a_place()
    for statement in (
        "insert into pipelines (tenant_id, id, project_id, name, name_key, color, position)"
        " values ($1, $2, $3, 'Sales', 'sales', '#000000', 7)",
        "insert into statuses (tenant_id, id, project_id, pipeline_id, name, name_key, color, status_type, position)"
        " values ($1, $2, $3, $2, 'Lead', 'lead', '#000000', 'open', 0)",
    ):
        await reactions.line.administrator.execute(statement, place.tenant, own, place.project)
    await reactions.hear(channel_created(reactions, place, own))

    async with reactions.works.begin([place.tenant]) as unit:
        await unit.connection.execute("update pipelines set active = false where id = $1", own)
        placing = await held_up(reactions.hear(created(reactions, place, ana, channel=True)))
    await placing

    assert await places(reactions) == [(ana, "Novo", True)]


@pytest.mark.parametrize("first", ["contact", "channel"])
async def test_nobody_waits_for_a_channel_of_which_another_replica_hears_just_then(reactions: Any, first: str) -> None:
    ana = new_id()
    place = await reactions.a_place()
    told = {"contact": created(reactions, place, ana, channel=True), "channel": channel_created(reactions, place)}

    async with hearing(reactions, told.pop(first)):
        (other,) = told.values()
        later = await held_up(reactions.hear(other))
    await later

    assert await places(reactions) == [(ana, "Novo", True)]


async def test_equal_contacts_of_two_tenants_in_one_batch_each_have_their_own_door(reactions: Any) -> None:
    ana, places_of = new_id(), [await reactions.a_place(), await reactions.a_place()]
    places_of[1].channel = places_of[0].channel  # only the first tenant's is known
    await reactions.hear(channel_created(reactions, places_of[0]))

    await reactions.hear(*(created(reactions, place, ana, channel=True) for place in places_of))

    rows = await reactions.line.rows("select tenant_id::text, first_place from contacts")
    assert dict(rows) == {places_of[0].tenant: "settled", places_of[1].tenant: "waiting"}
    (stay,) = await reactions.line.rows("select tenant_id::text, pipeline_id::text from placements")
    assert tuple(stay) == (places_of[0].tenant, places_of[0].pipeline)


async def test_of_two_events_that_tell_of_somebody_new_the_one_that_names_a_channel_counts(reactions: Any) -> None:
    ana = new_id()
    place = await reactions.a_place()
    events = [created(reactions, place, ana), created(reactions, place, ana, channel=True)]

    assert await reactions.hear(*events) == []
    channel = channel_created(reactions, place)
    said = await reactions.hear(channel)

    assert [each.type for each in said] == ["contact.entered_pipeline.v1", "contact.pipeline_status_changed.v1"]
    assert {each.causationid for each in said} == {channel.id}, "they waited for it"


async def test_nobody_waits_for_a_project_of_which_another_replica_hears_just_then(reactions: Any) -> None:
    ana, place = new_id(), reactions.nowhere()

    async with hearing(reactions, created(reactions, place, ana)):
        project = await held_up(reactions.hear(reactions.project_created(place)))
    await project

    assert await places(reactions) == [(ana, "Novo", True)]
