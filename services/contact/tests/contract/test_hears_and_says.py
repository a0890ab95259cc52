"""Every committed example of what we hear goes through the handler, and what is said can be read by its readers."""

from pathlib import Path
from typing import Any

import pytest
from contact.entrypoints.events import (
    on_channel_message_received,
    on_contact_tag_add_requested,
    on_contact_tag_remove_requested,
)
from contracts.envelope import encode
from contracts.reading import Reader, Unreadable
from contracts.registry import payloads

FOLDER = Path(__file__).parents[4] / "contracts" / "examples"
WISHES = {
    on_contact_tag_add_requested.HEARS: "contact.tag_added.v1",
    on_contact_tag_remove_requested.HEARS: "contact.tag_removed.v1",
}

CARRYING = """
insert into contact.contacts (tenant_id, id, project_id, name, name_source, name_folded, tags, tag_keys, origin)
select $1, id, $2, 'Ana', 'user', 'ana', $4, $4, 'api' from unnest($3::uuid[]) as of (id)
"""


def examples(*heard: Any) -> list[Any]:
    found = [
        pytest.param(each, path.read_bytes(), id=f"{each.TYPE} {path.stem}")
        for each in heard
        for path in sorted((FOLDER / each.TYPE).glob("*.json"))
    ]
    assert found, f"there are no examples of {heard}"
    return found


def read(heard: Any, example: bytes) -> Any:
    event = Reader(heard).read(example)
    assert not isinstance(event, Unreadable), event
    return event


async def news_of(desk: Any, event: Any) -> list[Any]:
    """Let the service hear `event`; return what it said, each of which its readers can read."""
    await desk.hears(event)
    said: list[Any] = await desk.news()
    for each in said:
        assert each.causationid == event.id
        assert not isinstance(Reader(payloads()[each.type]).read(encode(each)), Unreadable)
    return said


@pytest.mark.parametrize(("heard", "example"), examples(on_channel_message_received.HEARS))
async def test_an_example_of_a_message_tells_who_wrote(desk: Any, heard: Any, example: bytes) -> None:
    event = read(heard, example)

    said = await news_of(desk, event)

    (identified,) = [each for each in said if each.type == "contact.sender_identified.v1"]
    assert identified.data.content == event.data.content
    assert (identified.data.contact_id is None) is not event.data.contact_identities


@pytest.mark.parametrize(("heard", "example"), examples(*WISHES))
async def test_an_example_of_a_wish_is_refused_for_strangers_and_carried_out_for_those_we_know(
    desk: Any, heard: Any, example: bytes
) -> None:
    event = read(heard, example)
    tags = ["lead"] if heard is on_contact_tag_remove_requested.HEARS else []

    (refused,) = await news_of(desk, event)
    await desk.served.administrator.execute("delete from contact.inbox_bundles")
    await desk.served.administrator.execute(
        CARRYING, event.tenantid, event.projectid, list(event.data.contact_ids), tags
    )
    said = await news_of(desk, event)

    assert (refused.type, refused.data.execution_ref) == ("command.refused.v1", event.data.execution_ref)
    assert [each.type for each in said] == [WISHES[heard]] * len(event.data.contact_ids)


async def test_what_people_do_is_told_in_words_that_can_be_read(desk: Any) -> None:
    await desk.define("size", "multi_select", options=["S", "M"])
    await desk.ask("PATCH", "/crm/custom-fields/size", json={"required": False, "description": "Shoes"})
    contact = await desk.enter(
        tags=["a"], custom_fields={"size": ["S"]}, identities=[{"kind": "username", "value": "ze"}]
    )
    path = f"/crm/contacts/{contact['id']}"
    change = {
        "tags": ["b"],
        "custom_fields": {"size": ["M"]},
        "name": "Ana",
        "identities": [{"kind": "lid", "value": "12345"}],
    }
    await desk.ask("PATCH", path, json=change)
    await desk.ask("DELETE", f"{path}/custom-fields/size")
    await desk.ask("DELETE", path)
    await desk.ask("DELETE", "/crm/custom-fields/size")

    said = await desk.news()

    assert [event.type.removesuffix(".v1") for event in said] == [
        "custom_field.created",
        "custom_field.updated",
        "contact.created",
        "contact.identity_linked",
        "contact.tag_removed",
        "contact.tag_added",
        "contact.custom_field_set",
        "contact.updated",
        "contact.custom_field_cleared",
        "contact.deleted",
        "custom_field.deleted",
    ]
    for each in said:
        assert not isinstance(Reader(payloads()[each.type]).read(encode(each)), Unreadable)
        assert (each.source, each.tenantid, each.projectid) == ("contact", desk.tenant, desk.project)
        assert each.partitionkey == each.subject
