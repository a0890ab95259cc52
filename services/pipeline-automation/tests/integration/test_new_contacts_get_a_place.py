"""Projects, channels and contacts arrive in any order; every contact gets one first place."""

import itertools
from typing import Any

import pytest
from contracts.bundles import alone
from contracts.channel.created_v1 import ChannelCreatedV1
from contracts.channel.deleted_v1 import ChannelDeletedV1
from contracts.channel.updated_v1 import ChannelUpdatedV1
from contracts.contact.created_v1 import ContactCreatedV1
from contracts.contact.deleted_v1 import ContactDeletedV1
from contracts.contact.known_identity import KnownIdentity
from contracts.contact.restored_v1 import ContactRestoredV1
from contracts.envelope import AnyEvent
from contracts.identity.project_created_v1 import IdentityProjectCreatedV1
from kernel.ids import new_id
from outbox.inbox import Inbox
from pipeline_automation.application.place_new_contacts import place_new_contacts
from pipeline_automation.bootstrap import work_of
from pipeline_automation.domain.newcomer import Newcomer
from pipeline_automation.entrypoints.events.on_channel_created import on_channel_created
from pipeline_automation.entrypoints.events.on_channel_deleted import on_channel_deleted
from pipeline_automation.entrypoints.events.on_channel_updated import on_channel_updated
from pipeline_automation.entrypoints.events.on_contact_created import on_contact_created
from pipeline_automation.entrypoints.events.on_contact_deleted import on_contact_deleted
from pipeline_automation.entrypoints.events.on_contact_restored import on_contact_restored
from pipeline_automation.entrypoints.events.on_identity_project_created import on_identity_project_created

TENANT, OTHER = new_id(), new_id()
PROJECT, PIPELINE, CHANNEL = new_id(), new_id(), new_id()

STANDING = """
select p.tenant_id::text as tenant, p.contact_id::text as contact, l.name as pipeline, s.name as status, s.status_type
from placements p join statuses s on s.tenant_id = p.tenant_id and s.id = p.status_id
join pipelines l on l.tenant_id = p.tenant_id and l.id = p.pipeline_id
where p.exited_at is null order by p.tenant_id, p.contact_id
"""


def a_project(line: Any, tenant: str = TENANT, *, language: str = "pt-BR", pipeline: str = PIPELINE) -> AnyEvent:
    data = IdentityProjectCreatedV1(
        project_id=PROJECT,
        name="Shop",
        is_default=True,
        timezone="America/Sao_Paulo",
        country="BR",
        language=language,
        session_timeout_minutes=30,
        default_pipeline_id=pipeline,
        owner_user_id=new_id(),
        version=1,
    )
    event: AnyEvent = line.event(data, tenant, PROJECT, subject=PROJECT, source="identity")
    return event


def a_channel(
    line: Any, tenant: str = TENANT, *, pipeline: str | None = None, version: int = 1, updated: bool = False
) -> AnyEvent:
    kind = ChannelUpdatedV1 if updated else ChannelCreatedV1
    data = kind(
        channel_id=CHANNEL,
        name="Sales",
        type="waha",
        status="active",
        allow_groups=False,
        tracking_enabled=True,
        ai_enabled=False,
        ai_agents_enabled=False,
        debounce_timeout_ms=0,
        version=version,
        pipeline_id=pipeline,
    )
    event: AnyEvent = line.event(data, tenant, PROJECT, subject=CHANNEL, source="channel-gateway")
    return event


def a_contact(
    line: Any, contact: str = "", tenant: str = TENANT, *, channel: str | None = CHANNEL, hop: int = 0
) -> AnyEvent:
    identities = (KnownIdentity(kind="wa_pn", value="12025550143@c.us", channel_id=channel),) if channel else ()
    data = ContactCreatedV1(
        contact_id=contact or new_id(),
        name="Ana",
        name_source="push",
        origin="inbound",
        version=1,
        created_at=line.noon,
        identities=identities,
    )
    event: AnyEvent = line.event(data, tenant, PROJECT, subject=data.contact_id, source="contact", hop=hop)
    return event


async def a_pipeline(line: Any, tenant: str) -> str:
    """Make a pipeline that people made; return its id."""
    own = new_id()
    await line.administrator.execute(
        "insert into pipelines (tenant_id, id, project_id, name, name_key, color, position)"
        " values ($1, $2, $3, 'Sales', 'sales', '#000000', 7)",
        tenant,
        own,
        PROJECT,
    )
    await line.administrator.execute(
        "insert into statuses (tenant_id, id, project_id, pipeline_id, name, name_key, color, status_type, position) values"
        " ($1, $2, $3, $4, 'Old', 'old', '#000000', 'lost', 0), ($1, $5, $3, $4, 'Lead', 'lead', '#000000', 'open', 1)",
        tenant,
        new_id(),
        PROJECT,
        own,
        new_id(),
    )
    return own


def types(said: list[AnyEvent]) -> list[str]:
    return [event.type for event in said]


@pytest.mark.parametrize(
    ("language", "pipeline", "statuses"),
    [
        ("pt-BR", "Pipeline Principal", ["Novo", "Em atendimento", "Ganho", "Perdido"]),
        ("en", "Main pipeline", ["New", "In progress", "Won", "Lost"]),
    ],
)
async def test_a_project_gets_its_first_pipeline_in_its_language_with_the_reserved_id(
    line: Any, language: str, pipeline: str, statuses: list[str]
) -> None:
    said = await line.hears(on_identity_project_created, a_project(line, language=language))

    assert types(said) == ["pipeline.created.v1"] + ["status.created.v1"] * 4
    made = said[0].data
    assert (made.pipeline_id, made.name, made.color, made.is_default) == (PIPELINE, pipeline, "#3B82F6", True)
    assert [(each.name, each.status_type) for each in made.statuses] == list(
        zip(statuses, ["open", "active", "won", "lost"], strict=True)
    )
    assert {event.tenantid for event in said} == {TENANT}
    assert said[1].partitionkey == PIPELINE


async def test_a_project_that_is_told_of_again_keeps_its_one_pipeline(line: Any) -> None:
    await line.hears(on_identity_project_created, a_project(line))

    again = await line.hears(on_identity_project_created, a_project(line))

    assert again == []
    assert len(await line.rows("select from pipelines")) == 1


async def test_a_new_contact_stands_at_the_first_open_status_and_both_events_tell_so(line: Any) -> None:
    await line.hears(on_identity_project_created, a_project(line))
    await line.hears(on_channel_created, a_channel(line))

    contact = a_contact(line, hop=2)
    said = await line.hears(on_contact_created, contact)

    entered, changed = said
    assert types(said) == ["contact.entered_pipeline.v1", "contact.pipeline_status_changed.v1"]
    assert (entered.data.status_name, entered.data.entered_by) == ("Novo", "system:pipeline-automation")
    assert (changed.data.previous_status_id, changed.data.new_status_type) == (None, "open")
    assert changed.partitionkey == changed.subject == contact.data.contact_id
    assert (changed.causationid, changed.hop, changed.correlationid) == (contact.id, 2, contact.correlationid)
    (row,) = await line.rows(STANDING)
    assert (row["contact"], row["pipeline"], row["status"]) == (contact.data.contact_id, "Pipeline Principal", "Novo")


@pytest.mark.parametrize("own_pipeline", [True, False])
async def test_whichever_of_project_channel_and_contact_comes_first_the_contact_ends_in_the_same_place(
    line: Any, own_pipeline: bool
) -> None:
    contact = new_id()
    for number, order in enumerate(itertools.permutations(("project", "channel", "contact")), start=1):
        tenant = new_id()
        own = await a_pipeline(line, tenant) if own_pipeline else None
        told = {
            "project": (on_identity_project_created, a_project(line, tenant)),
            "channel": (on_channel_created, a_channel(line, tenant, pipeline=own)),
            "contact": (on_contact_created, a_contact(line, contact, tenant)),
        }
        said = []
        for each in order:
            said += await line.hears(*told[each])

        assert types(said).count("contact.entered_pipeline.v1") == 1, order
        standing = await line.rows(STANDING)
        assert len(standing) == number
        assert {row["status"] for row in standing} == {"Lead" if own_pipeline else "Novo"}


async def test_a_channel_brings_people_to_its_own_pipeline_and_an_unusable_one_to_the_default(line: Any) -> None:
    await line.hears(on_identity_project_created, a_project(line), a_project(line, OTHER, pipeline=new_id()))
    own = await a_pipeline(line, TENANT)
    # The other tenant's channel names a pipeline that is not its own.
    await line.hears(on_channel_created, a_channel(line, pipeline=own), a_channel(line, OTHER, pipeline=own))

    await line.hears(on_contact_created, a_contact(line), a_contact(line, tenant=OTHER))

    found = {(row["tenant"], row["pipeline"], row["status"]) for row in await line.rows(STANDING)}
    assert found == {(TENANT, "Sales", "Lead"), (OTHER, "Pipeline Principal", "Novo")}

    await line.administrator.execute("update pipelines set active = false where id = $1", own)
    await line.hears(on_contact_created, a_contact(line))
    assert sorted(row["pipeline"] for row in await line.rows(STANDING) if row["tenant"] == TENANT) == [
        "Pipeline Principal",
        "Sales",
    ]


async def test_two_tenants_with_equal_ids_in_one_batch_are_not_mixed(line: Any) -> None:
    contact = new_id()
    both = [a_project(line), a_project(line, OTHER, language="en")]

    said = await line.hears(on_identity_project_created, *both)
    await line.hears(on_channel_created, a_channel(line), a_channel(line, OTHER))
    placed = await line.hears(on_contact_created, a_contact(line, contact), a_contact(line, contact, OTHER))

    assert {(e.tenantid, e.data.name) for e in said if e.type == "pipeline.created.v1"} == {
        (TENANT, "Pipeline Principal"),
        (OTHER, "Main pipeline"),
    }
    assert {(e.tenantid, e.data.status_name) for e in placed if e.type == "contact.entered_pipeline.v1"} == {
        (TENANT, "Novo"),
        (OTHER, "New"),
    }
    assert {(row["tenant"], row["status"]) for row in await line.rows(STANDING)} == {(TENANT, "Novo"), (OTHER, "New")}


async def test_a_contact_is_placed_once_whichever_event_tells_of_them_and_however_often(line: Any) -> None:
    await line.hears(on_identity_project_created, a_project(line))
    await line.hears(on_channel_created, a_channel(line))
    created = a_contact(line)
    newcomer = Newcomer(
        tenant_id=TENANT,
        project_id=PROJECT,
        contact_id=created.data.contact_id,
        channel_id=CHANNEL,
        because=created,
    )

    async with line.works.begin([TENANT]) as work:  # as a message tells of them, before contact.created does
        await place_new_contacts([newcomer, newcomer], work_of(work))
        first = list(work.said)
    later = await line.hears(on_contact_created, created, created)
    async with line.works.begin([TENANT]) as work:
        await place_new_contacts([newcomer], work_of(work))
        again = list(work.said)

    assert types(first) == ["contact.entered_pipeline.v1", "contact.pipeline_status_changed.v1"]
    assert later == again == []
    assert (await line.rows("select name from contacts"))[0]["name"] == "Ana"


async def test_a_redelivered_batch_changes_nothing(line: Any) -> None:
    await line.hears(on_identity_project_created, a_project(line))
    batch = [a_contact(line, channel=None) for _ in range(3)]
    inbox = Inbox(line.works)

    async def handle(events: Any, work: Any) -> None:
        await on_contact_created(events, work_of(work))

    assert await inbox.apply([("contact_created", alone(batch), handle)]) == [3]
    before = await line.rows("select * from placements order by id")
    assert await inbox.apply([("contact_created", alone(batch), handle)]) == [0]

    assert await line.rows("select * from placements order by id") == before
    assert len(before) == 3


async def test_who_was_taken_out_does_not_come_back_because_an_event_is_late(line: Any) -> None:
    await line.hears(on_identity_project_created, a_project(line))
    contact = a_contact(line, channel=None)
    await line.hears(on_contact_created, contact)
    await line.administrator.execute("update placements set exited_at = now(), exited_by = 'user:x'")
    await line.administrator.execute("update contacts set first_place = 'unmet'")  # as if nobody had told us

    said = await line.hears(on_contact_created, contact)

    assert said == []


async def test_somebody_deleted_before_they_had_a_place_gets_it_when_they_come_back(line: Any) -> None:
    await line.hears(on_identity_project_created, a_project(line))
    contact = a_contact(line, channel=None)
    key = {"contact_id": contact.data.contact_id, "at": line.noon}

    await line.hears(on_contact_deleted, line.event(ContactDeletedV1(**key, version=2), TENANT, PROJECT))
    assert await line.hears(on_contact_created, contact) == []
    back = await line.hears(on_contact_restored, line.event(ContactRestoredV1(**key, version=3), TENANT, PROJECT))

    assert "contact.entered_pipeline.v1" in types(back)


async def test_a_channel_keeps_its_newest_settings_and_stays_deleted(line: Any) -> None:
    await line.hears(on_channel_updated, a_channel(line, pipeline=PIPELINE, version=3, updated=True))
    await line.hears(on_channel_created, a_channel(line, version=1))
    await line.hears(on_channel_updated, a_channel(line, version=2, updated=True))
    (kept,) = await line.rows("select version, pipeline_id::text, deleted from channels")
    assert tuple(kept) == (3, PIPELINE, False)

    gone = ChannelDeletedV1(channel_id=CHANNEL, by="user:x", at=line.noon)
    await line.hears(on_channel_deleted, line.event(gone, TENANT, PROJECT))
    await line.hears(on_channel_updated, a_channel(line, version=4, updated=True))
    assert [row["deleted"] for row in await line.rows("select deleted from channels")] == [True]


async def test_a_deletion_that_comes_before_its_channel_is_remembered(line: Any) -> None:
    gone = ChannelDeletedV1(channel_id=CHANNEL, by="user:x", at=line.noon)
    await line.hears(on_channel_deleted, line.event(gone, TENANT, PROJECT))
    await line.hears(on_channel_created, a_channel(line))

    assert [tuple(row) for row in await line.rows("select deleted, name from channels")] == [(True, "Sales")]


@pytest.mark.parametrize("size", [1, 200])
async def test_a_batch_of_new_contacts_costs_the_same_few_statements_whatever_its_size(line: Any, size: int) -> None:
    await line.hears(on_identity_project_created, a_project(line))
    line.statements.clear()

    await line.hears(on_contact_created, *(a_contact(line, channel=None) for _ in range(size)))

    assert len(line.statements) == 6, line.statements
    assert len(await line.rows("select from placements")) == size
