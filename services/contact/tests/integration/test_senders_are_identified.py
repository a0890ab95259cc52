"""The line's handler on a real database: who is behind a message."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import msgspec
import pytest
import pytest_asyncio
from contact.bootstrap import work_of
from contact.entrypoints.events.on_channel_message_received import on_channel_message_received
from contracts.channel.message_received_v1 import ChannelMessageReceivedV1
from contracts.envelope import AnyEvent, Event, first_event
from contracts.fields import ChannelSettings, ContactIdentity
from kernel.ids import new_id
from outbox.work import Works
from postgres.database import Database
from testkit.plugin import DatabaseOf

TENANT, OTHER = new_id(), new_id()
PROJECT = new_id()
CHANNEL = new_id()
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)

UPDATES = """
select n_tup_upd as all, n_tup_hot_upd as hot from pg_stat_xact_user_tables where schemaname = 'contact' and relname = 'contacts'
"""

ANA = ("wa_pn", "5511987654321@c.us")
ANA_LID = ("wa_lid", "999000111222333@lid")


def a_message(
    *identities: tuple[str, str],
    tenant: str = TENANT,
    project: str = PROJECT,
    channel: str = CHANNEL,
    push_name: str | None = "Ana",
    chat: str | None = None,
    chat_type: str = "individual",
    from_me: bool = False,
    at: datetime = NOON,
) -> AnyEvent:
    """A message as channel-gateway says it."""
    data = ChannelMessageReceivedV1(
        channel_id=channel,
        channel_type="waha",
        provider="waha",
        delivery_id=new_id(),
        provider_message_id=new_id(),
        provider_message_ref="ref",
        external_chat_id=chat or identities[0][1],
        chat_type=chat_type,
        from_me=from_me,
        direction="outbound" if from_me else "inbound",
        origin="live",
        late=False,
        contact_identities=tuple(ContactIdentity(kind=kind, value=value) for kind, value in identities),
        content=msgspec.Raw(b'{"type":"text","text":"hello"}'),
        channel_settings=ChannelSettings(),
        occurred_at=at,
        received_at=at,
        push_name=push_name,
    )
    return first_event(
        data,
        id=new_id(),
        source="channel-gateway",
        subject=channel,
        time=at,
        tenant_id=tenant,
        project_id=project,
        partition_key=f"{channel}:{data.external_chat_id}",
        correlation_id=new_id(),
        actor="provider:waha",
    )


class Line:
    """The handler, and what it said."""

    def __init__(self, works: Works, administrator: asyncpg.Connection) -> None:
        self._works = works
        self.administrator = administrator

    async def hear(self, *events: Event[ChannelMessageReceivedV1]) -> dict[str, list[AnyEvent]]:
        """Apply a batch; return what was said, by type."""
        async with self._works.begin({event.tenantid for event in events}) as work:
            await on_channel_message_received(events, work_of(work))
            said: dict[str, list[AnyEvent]] = {}
            for event in work.said:
                said.setdefault(event.type, []).append(event)
            return said

    async def contacts(self) -> list[Any]:
        return list(await self.administrator.fetch("select * from contact.contacts order by id"))

    async def identities(self) -> list[Any]:
        return list(await self.administrator.fetch("select * from contact.channel_identities order by id"))


@pytest_asyncio.fixture
async def line(database_of: DatabaseOf) -> AsyncIterator[Line]:
    found = await database_of("contact", "contact")
    database = await Database.connect(found.app_dsn, application="tests")
    administrator = await asyncpg.connect(found.superuser_dsn)
    yield Line(Works(database, partitions=4), administrator)
    await administrator.close()
    await database.close()


def identified(said: dict[str, list[AnyEvent]]) -> list[str | None]:
    return [event.data.contact_id for event in said["contact.sender_identified.v1"]]


async def test_a_stranger_is_met_once_however_often_they_write_in_a_batch(line: Line) -> None:
    said = await line.hear(a_message(ANA), a_message(ANA), a_message(ANA))

    (contact,) = await line.contacts()
    assert (contact["name"], contact["name_source"], contact["phone"]) == ("Ana", "push", "+5511987654321")
    assert contact["tags"] == ["whatsapp"]
    assert identified(said) == [str(contact["id"])] * 3
    assert [event.data.is_new_contact for event in said["contact.sender_identified.v1"]] == [True] * 3
    assert len(said["contact.created.v1"]) == 1
    assert said["contact.created.v1"][0].data.identities[0].value == ANA[1]


async def test_a_known_phone_number_finds_its_contact(line: Line) -> None:
    first = await line.hear(a_message(ANA))

    second = await line.hear(a_message(ANA))

    assert identified(first) == identified(second)
    assert "contact.created.v1" not in second
    assert len(await line.contacts()) == 1


async def test_a_lid_alone_is_a_person_without_a_phone(line: Line) -> None:
    said = await line.hear(a_message(ANA_LID, push_name=None))

    (contact,) = await line.contacts()
    assert contact["phone"] is None
    assert contact["name"] == "WhatsApp user"
    assert said["contact.sender_identified.v1"][0].data.chat_key == f"{CHANNEL}:{contact['id']}"


async def test_phone_and_lid_in_one_message_belong_to_one_person_whichever_comes_later(line: Line) -> None:
    await line.hear(a_message(ANA))
    said = await line.hear(a_message(ANA, ANA_LID))
    later = await line.hear(a_message(ANA_LID))

    assert len(await line.contacts()) == 1
    assert len(set(identified(said) + identified(later))) == 1
    (linked,) = said["contact.identity_linked.v1"]
    assert (linked.data.kind, linked.data.value) == ANA_LID


async def test_within_one_batch_too(line: Line) -> None:
    said = await line.hear(a_message(ANA), a_message(ANA, ANA_LID), a_message(ANA_LID))

    assert len(await line.contacts()) == 1
    assert len(await line.identities()) == 2
    assert len(set(identified(said))) == 1


async def test_a_brazilian_number_with_and_without_its_ninth_digit_is_one_person_and_is_never_rewritten(
    line: Line,
) -> None:
    await line.hear(a_message(("wa_pn", "551187654321@c.us")))
    await line.hear(a_message(("wa_pn", "5511987654321@c.us")))

    assert len(await line.contacts()) == 1
    assert {row["value"] for row in await line.identities()} == {"551187654321@c.us", "5511987654321@c.us"}


async def test_a_landline_does_not_get_a_ninth_digit(line: Line) -> None:
    await line.hear(a_message(("wa_pn", "551132654321@c.us")))
    await line.hear(a_message(("wa_pn", "5511932654321@c.us")))

    assert len(await line.contacts()) == 2


async def test_a_new_push_name_renames_unless_a_person_named_the_contact(line: Line) -> None:
    await line.hear(a_message(ANA, push_name="Ana"))
    renamed = await line.hear(a_message(ANA, push_name="Ana Souza"))
    await line.administrator.execute("update contact.contacts set name = 'Dr. Ana', name_source = 'user'")
    kept = await line.hear(a_message(ANA, push_name="anitta"))

    (update,) = renamed["contact.updated.v1"]
    assert (update.data.name, update.data.changed, update.data.old_values) == ("Ana Souza", ("name",), {"name": "Ana"})
    assert "contact.updated.v1" not in kept
    assert (await line.contacts())[0]["name"] == "Dr. Ana"


async def test_our_own_push_name_never_renames_the_customer(line: Line) -> None:
    await line.hear(a_message(ANA, push_name="Ana"))

    await line.hear(a_message(ANA, push_name="The Shop", from_me=True))

    assert (await line.contacts())[0]["name"] == "Ana"


async def test_own_messages_in_groups_concern_nobody_and_travel_on_under_the_group(line: Line) -> None:
    said = await line.hear(a_message(chat="120363000000000001@g.us", chat_type="group", from_me=True))

    (event,) = said["contact.sender_identified.v1"]
    assert event.data.contact_id is None
    assert event.data.chat_key == event.partitionkey == f"{CHANNEL}:120363000000000001@g.us"
    assert await line.contacts() == []


async def test_a_deleted_contact_that_writes_comes_back_with_its_id(line: Line) -> None:
    first = await line.hear(a_message(ANA))
    await line.administrator.execute("update contact.contacts set deleted_at = now()")

    said = await line.hear(a_message(ANA))

    assert identified(said) == identified(first)
    assert len(said["contact.restored.v1"]) == 1
    assert (await line.contacts())[0]["deleted_at"] is None


async def test_a_batch_of_two_tenants_with_equal_everything_mixes_nothing(line: Line) -> None:
    said = await line.hear(
        a_message(ANA, push_name="Ana of one"), a_message(ANA, tenant=OTHER, push_name="Ana of the other")
    )

    one, other = await line.contacts()
    assert {str(one["tenant_id"]), str(other["tenant_id"])} == {TENANT, OTHER}
    assert {one["name"], other["name"]} == {"Ana of one", "Ana of the other"}
    assert len(set(identified(said))) == 2
    for event in said["contact.sender_identified.v1"]:
        owner = next(row for row in (one, other) if str(row["id"]) == event.data.contact_id)
        assert str(owner["tenant_id"]) == event.tenantid


async def test_the_last_interaction_only_moves_forward(line: Line) -> None:
    await line.hear(a_message(ANA, at=NOON))
    await line.hear(a_message(ANA, at=NOON - timedelta(hours=1)))

    assert (await line.contacts())[0]["last_interaction_at"] == NOON


@pytest.mark.parametrize("size", [1, 200])
async def test_a_batch_costs_the_same_few_statements_whatever_its_size(line: Line, size: int) -> None:
    await line.hear(*(a_message(("wa_pn", f"55119{number:08}@c.us")) for number in range(size)))
    statements: list[str] = []
    events = [a_message(("wa_pn", f"55119{number:08}@c.us")) for number in range(size)]

    async with line._works.begin({TENANT}) as work:
        work.connection.add_query_logger(lambda query: statements.append(query.query))
        await on_channel_message_received(events, work_of(work))
        await asyncio.sleep(0.05)  # the driver logs a moment later
        assert len(statements) == 2  # who is known, and when they were last heard of


async def test_who_comes_back_gives_up_what_another_contact_holds_meanwhile(line: Line) -> None:
    first = await line.hear(a_message(ANA))
    await line.administrator.execute(
        "update contact.contacts set deleted_at = now(), email = 'ana@example.com', external_id = '77'"
    )
    await line.administrator.execute(
        "insert into contact.contacts (tenant_id, id, project_id, name, name_source, name_folded, phone, phone_key, email, origin)"
        " select tenant_id, gen_random_uuid(), project_id, 'Heir', 'user', 'heir', phone, phone_key, email, 'api'"
        " from contact.contacts"
    )

    said = await line.hear(a_message(ANA))

    assert identified(said) == identified(first)
    back = next(row for row in await line.contacts() if str(row["id"]) == identified(first)[0])
    assert (back["deleted_at"], back["phone"], back["phone_key"], back["email"]) == (None, None, None, None)
    assert back["external_id"] == "77"
    (update,) = said["contact.updated.v1"]
    assert update.data.old_values == {"phone": "+5511987654321", "email": "ana@example.com"}
    assert update.data.version == said["contact.restored.v1"][0].data.version == back["version"]


async def test_names_and_tags_of_those_met_on_the_line_are_found_while_they_are_live(line: Line) -> None:
    async def words() -> list[str]:
        return [row[0] for row in await line.administrator.fetch("select word from contact.contact_words order by 1")]

    async def tags() -> list[tuple[str, str]]:
        return [tuple(row) for row in await line.administrator.fetch("select tag_key, tag from contact.contact_tags")]

    await line.hear(a_message(ANA, push_name="Ana Maria Souza"))
    assert (await words(), await tags()) == (["maria", "souza"], [("whatsapp", "whatsapp")])

    await line.hear(a_message(ANA, push_name="Áná Braga"))
    assert await words() == ["braga"]

    await line.administrator.execute("update contact.contacts set deleted_at = now()")
    assert (await words(), await tags()) == ([], [])

    await line.hear(a_message(ANA, push_name="Áná Braga"))
    assert (await words(), await tags()) == (["braga"], [("whatsapp", "whatsapp")])


async def test_a_message_of_somebody_known_touches_no_index_until_the_day_is_another(line: Line) -> None:
    people = [("wa_pn", f"55119{number:08}@c.us") for number in range(100)]
    await line.hear(*(a_message(person) for person in people))

    async def touched(at: datetime) -> tuple[int, int]:
        """Return how many of every tenth contact were updated, and how many of them without any index."""
        async with line._works.begin({TENANT}) as work:
            before = await work.connection.fetchrow(UPDATES)  # what the connection did lately may not be told yet
            await on_channel_message_received([a_message(person, at=at) for person in people[::10]], work_of(work))
            after = await work.connection.fetchrow(UPDATES)
            return after["all"] - before["all"], after["hot"] - before["hot"]

    assert await touched(NOON + timedelta(hours=11)) == (10, 10)
    assert await touched(NOON + timedelta(hours=12)) == (10, 0)
