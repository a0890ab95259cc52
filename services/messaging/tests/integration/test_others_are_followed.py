"""What other services tell of channels, contacts and sessions, in any order and repeated: the newest is what counts."""

from typing import Any

import messaging_events as heard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kernel.ids import new_id
from messaging.bootstrap import work_of

TENANT = "00000000-0000-7000-8000-00000000000a"
OTHER = "00000000-0000-7000-8000-00000000000b"


async def look(line: Any, tenant: str = TENANT, channel: str = heard.CHANNEL, contact: str = heard.ANA) -> Any:
    """Return what is known of a channel and a contact behind the wall of a tenant."""
    async with line.works.begin([tenant]) as unit:
        work = work_of(unit)
        channels = await work.channels.known({(tenant, channel)})
        people = await work.people.known({(tenant, contact)})
        return channels.get((tenant, channel)), people.get((tenant, contact))


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.permutations(range(6)), st.lists(st.integers(0, 5), max_size=4))
async def test_news_of_a_channel_end_the_same_in_every_order(line: Any, order: list[int], repeated: list[int]) -> None:
    channel = new_id()
    news = [
        heard.channel(TENANT, channel, status="inactive", name="first"),
        heard.channel_status(TENANT, "activating", version=2, channel_id=channel),
        heard.channel_status(TENANT, "activated", version=3, channel_id=channel),
        heard.channel(TENANT, channel, status="active", version=4, window=24, name="second", changed=True),
        heard.channel_status(TENANT, "disconnected", version=5, channel_id=channel),
        heard.channel_status(TENANT, "connecting", version=6, channel_id=channel),
    ]
    for number in [*order, *repeated]:
        await line.hears(news[number])

    known, _ = await look(line, channel=channel)
    assert (known.status, known.messaging_window_hours, known.type, known.deleted) == ("connecting", 24, "waha", False)


async def test_a_deleted_channel_stays_deleted(line: Any) -> None:
    await line.hears(heard.channel_deleted(TENANT))
    await line.hears(heard.channel(TENANT))

    known, _ = await look(line)
    assert known.deleted


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.permutations(range(5)), st.lists(st.integers(0, 4), max_size=4))
async def test_news_of_a_contact_end_the_same_in_every_order(line: Any, order: list[int], repeated: list[int]) -> None:
    contact = new_id()
    news = [
        heard.contact(TENANT, contact, identities=(("wa_pn", "1@c.us", heard.CHANNEL), ("email", "a@b.example", None))),
        heard.contact(TENANT, contact, version=2, phone="+12025550143", opted_out=True, changed=True),
        heard.contact_life(TENANT, contact, deleted=True, version=3),
        heard.contact_life(TENANT, contact, deleted=False, version=4),
        heard.identity_linked(TENANT, "9@lid", contact_id=contact, kind="wa_lid"),
    ]
    for number in [*order, *repeated]:
        await line.hears(news[number])

    _, known = await look(line, contact=contact)
    assert (known.phone, known.opted_out, known.deleted) == ("+12025550143", True, False)
    assert sorted((handle.kind, handle.value) for handle in known.handles) == [("wa_lid", "9@lid"), ("wa_pn", "1@c.us")]


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.permutations(["a begins", "a ends", "b begins"]))
async def test_the_open_session_is_known_in_every_order(line: Any, order: list[str]) -> None:
    second, first, chat = new_id(), new_id(), new_id()  # the one that stays open would not win by its id
    news = {
        "a begins": heard.session_started(TENANT, first, chat=chat),
        "a ends": heard.session_ended(TENANT, first, chat=chat),
        "b begins": heard.session_started(TENANT, second, chat=chat),
    }
    for each in order:
        await line.hears(news[each])

    async with line.works.begin([TENANT]) as unit:
        assert await work_of(unit).open_sessions.of_chats({(TENANT, chat)}) == {(TENANT, chat): second}


async def test_the_rows_of_ended_sessions_go(line: Any) -> None:
    sessions = [new_id() for _ in range(3)]
    await line.hears(*(heard.session_started(TENANT, session) for session in sessions))
    await line.hears(*(heard.session_ended(TENANT, session) for session in [*sessions, sessions[0]]))

    assert await line.administrator.fetchval("select count(*) from messaging.open_sessions") == 0


async def test_two_tenants_with_equal_ids_keep_what_is_theirs(line: Any) -> None:
    await line.hears(heard.channel(TENANT, status="active"), heard.channel(OTHER, status="error", version=7))
    await line.hears(heard.contact(TENANT, phone="+1"), heard.contact(OTHER, phone="+2", opted_out=True))
    await line.hears(heard.identity_linked(OTHER, "1@c.us"))
    session = new_id()
    await line.hears(heard.session_started(TENANT, session), heard.session_started(OTHER, session))
    await line.hears(heard.session_ended(OTHER, session))

    ours, theirs = await look(line), await look(line, OTHER)

    assert (ours[0].status, theirs[0].status) == ("active", "error")
    assert (ours[1].phone, theirs[1].phone) == ("+1", "+2")
    assert (len(ours[1].handles), len(theirs[1].handles)) == (0, 1)
    async with line.works.begin([TENANT]) as unit:
        work = work_of(unit)
        assert await work.channels.known({(OTHER, heard.CHANNEL)}) == {}
        assert await work.people.known({(OTHER, heard.ANA)}) == {}
        assert await work.people.behind({(OTHER, heard.CHANNEL, "1@c.us")}) == {}
        assert await work.channels.of_projects({(OTHER, heard.PROJECT)}) == {}
        keys = {(TENANT, "chat"), (OTHER, "chat")}
        assert await work.open_sessions.of_chats(keys) == {(TENANT, "chat"): session}


async def test_an_id_that_two_contacts_had_belongs_to_the_later_one(line: Any) -> None:
    import msgspec

    bea = new_id()
    earlier = heard.identity_linked(TENANT, "1@c.us")
    later = heard.identity_linked(TENANT, "1@c.us", contact_id=bea)
    await line.hears(msgspec.structs.replace(later, time=heard.NOON.replace(hour=13)), earlier)

    async with line.works.begin([TENANT]) as unit:
        key = (TENANT, heard.CHANNEL, "1@c.us")
        assert await work_of(unit).people.behind({key}) == {key: bea}
