"""Wishes of other services for tags: carried out once, silently where done already, refused where nobody is there."""

import asyncio
from collections import defaultdict
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kernel.ids import new_id

IDENTITY = {"VIP": 1, "vip": 1, "Lead": 2, "LEAD": 2, "São Paulo": 3, "SÃO PAULO": 3, "Sao Paulo": 4}
"""Which tag a spelling is, written by hand."""


async def test_a_wished_tag_is_added_in_the_name_of_who_wished_it(desk: Any) -> None:
    contact = await desk.enter(tags=["old"])
    await desk.news()
    wish = desk.wish("add", " VIP ", contact["id"])

    assert await desk.hears(wish) == 1

    (event,) = await desk.news()
    assert (event.type, event.data.tag, event.data.version) == ("contact.tag_added.v1", "VIP", 2)
    assert (event.causationid, event.actor, event.hop) == (wish.id, wish.actor, wish.hop)
    assert (event.partitionkey, event.projectid) == (contact["id"], desk.project)
    assert (await desk.read(contact["id"]))["tags"] == ["old", "VIP"]


async def test_what_is_done_already_is_done_silently(desk: Any) -> None:
    contact = await desk.enter(tags=["VIP"])
    await desk.news()

    await desk.hears(desk.wish("add", "vip", contact["id"]))
    await desk.hears(desk.wish("remove", "lead", contact["id"]))

    assert await desk.news() == []
    assert (await desk.read(contact["id"]))["version"] == 1


async def test_a_wish_that_is_delivered_again_changes_nothing(desk: Any) -> None:
    contact = await desk.enter()
    add, remove = desk.wish("add", "vip", contact["id"]), desk.wish("remove", "vip", contact["id"])

    for wish in (add, remove, add):
        await desk.hears(wish)

    assert (await desk.read(contact["id"]))["tags"] == []


async def test_a_contact_that_is_unknown_deleted_or_elsewhere_is_refused_with_its_execution(desk: Any) -> None:
    contact, deleted = await desk.enter(), await desk.enter()
    await desk.ask("DELETE", f"/crm/contacts/{deleted['id']}")
    await desk.news()
    unknown = desk.wish("add", "vip", new_id())
    gone = desk.wish("add", "vip", contact["id"], deleted["id"])
    elsewhere = desk.wish("add", "vip", contact["id"], project=new_id())
    foreign = desk.wish("add", "vip", contact["id"], tenant=new_id())
    removing = desk.wish("remove", "vip", deleted["id"])
    blank = desk.wish("add", " ", contact["id"])

    await desk.hears(unknown, gone, elsewhere, foreign, blank)
    await desk.hears(removing)

    news = await desk.news()
    refused = {event.causationid: event for event in news if event.type == "command.refused.v1"}
    assert set(refused) == {wish.id for wish in (unknown, gone, elsewhere, foreign, removing, blank)}
    for wish in (unknown, gone, elsewhere, foreign, removing):
        event = refused[wish.id]
        assert (event.data.command_id, event.data.command_type, event.data.code) == (wish.id, wish.type, "not_found")
        assert event.data.execution_ref == wish.data.execution_ref
        assert (event.tenantid, event.projectid, event.actor) == (wish.tenantid, wish.projectid, wish.actor)
    assert "1 of 2" in refused[gone.id].data.detail
    assert refused[gone.id].subject == deleted["id"]
    assert refused[blank.id].data.code == "validation_failed"
    (added,) = [event for event in news if event.type == "contact.tag_added.v1"]
    assert (added.causationid, added.data.contact_id) == (gone.id, contact["id"])


async def test_a_contact_that_carries_all_it_can_is_refused(desk: Any) -> None:
    full, other = await desk.enter(tags=[str(number) for number in range(100)]), await desk.enter()
    await desk.news()

    await desk.hears(desk.wish("add", "vip", full["id"], other["id"]))

    added, refused = await desk.news()
    assert (added.data.contact_id, refused.data.code, refused.subject) == (other["id"], "too_many", full["id"])


async def test_wishes_of_one_batch_for_one_contact_follow_each_other(desk: Any) -> None:
    contact = await desk.enter()
    await desk.news()

    await desk.hears(*(desk.wish("add", tag, contact["id"]) for tag in ("a", "b", "A", "c")))

    assert [(event.data.tag, event.data.version) for event in await desk.news()] == [("a", 2), ("b", 3), ("c", 4)]
    after = await desk.read(contact["id"])
    assert (after["tags"], after["version"]) == (["a", "b", "c"], 4)


@pytest.mark.parametrize("size", [1, 200])
async def test_a_batch_of_wishes_costs_two_statements_whatever_its_size(desk: Any, size: int) -> None:
    await desk.served.administrator.execute(
        "insert into contact.contacts (tenant_id, id, project_id, name, name_source, name_folded, origin)"
        " select $1, gen_random_uuid(), $2, 'Ana', 'user', 'ana', 'api' from generate_series(1, $3::int)",
        desk.tenant,
        desk.project,
        size,
    )
    ids = [str(row["id"]) for row in await desk.served.administrator.fetch("select id from contact.contacts")]
    wishes = [desk.wish("add", "vip", contact_id) for contact_id in ids]
    handle = next(each for each in desk.served.blueprint.subscriptions if each.reader.type == wishes[0].type).handle
    statements: list[str] = []

    def note(record: Any) -> None:
        if "typeinfo" not in record.query and "jit" not in record.query:  # a fresh connection asks for types
            statements.append(record.query)

    async with desk.served.parts.works.begin({desk.tenant}) as work:
        work.connection.add_query_logger(note)
        await handle(wishes, work)
        await asyncio.sleep(0.05)  # the driver logs a moment later
        work.connection.remove_query_logger(note)

    assert len(statements) == 2
    assert len(await desk.news()) == size


steps = st.lists(
    st.tuples(
        st.sampled_from(["add", "remove"]),
        st.sampled_from(list(IDENTITY)),
        st.lists(st.integers(0, 2), min_size=1, max_size=3),
    ),
    max_size=15,
)


@given(steps, st.lists(st.integers(0, 14), max_size=5))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_wishes_leave_what_a_set_would_hold_in_the_contact_in_the_index_and_in_what_was_said(
    desk: Any, wished: list[tuple[str, str, list[int]]], cuts: list[int]
) -> None:
    desk.project = new_id()
    desk.__post_init__()
    contacts = [(await desk.enter())["id"] for _ in range(3)]
    await desk.news()
    expected: dict[str, dict[int, str]] = defaultdict(dict)
    batch: list[Any] = []

    for number, (kind, tag, whom) in enumerate(wished):
        if batch and (number in cuts or not batch[0].type.startswith(f"contact.tag_{kind}")):
            await desk.hears(*batch)
            batch = []
        batch.append(desk.wish(kind, tag, *(contacts[who] for who in whom)))
        for who in whom:
            if kind == "add":
                expected[contacts[who]].setdefault(IDENTITY[tag], tag)
            else:
                expected[contacts[who]].pop(IDENTITY[tag], None)
    if batch:
        await desk.hears(*batch)

    told: dict[str, dict[int, str]] = defaultdict(dict)
    versions = dict.fromkeys(contacts, 1)
    for event in await desk.news():
        data = event.data
        assert data.version == versions[data.contact_id] + 1
        versions[data.contact_id] = data.version
        if event.type == "contact.tag_added.v1":
            assert told[data.contact_id].setdefault(IDENTITY[data.tag], data.tag) == data.tag
        else:
            assert told[data.contact_id].pop(IDENTITY[data.tag]) == data.tag
    index = await desk.served.administrator.fetch(
        "select contact_id::text, tag from contact.contact_tags where project_id = $1", desk.project
    )
    for contact_id in contacts:
        after = await desk.read(contact_id)
        assert after["tags"] == list(expected[contact_id].values()) == list(told[contact_id].values())
        assert after["version"] == versions[contact_id]
        assert sorted(row["tag"] for row in index if row["contact_id"] == contact_id) == sorted(after["tags"])
