"""Lists and searches are read by index, and a message touches none: what holds at half a million contacts."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from kernel.ids import new_id

# Ten thousand contacts in one project, as many in others. One in a hundred has an e-mail and a tag of few, all have one of many.
PEOPLE = """
insert into contact.contacts (tenant_id, id, project_id, name, name_source, name_folded, name_words, phone, phone_key, email,
    external_id, source_channel, tags, tag_keys, opted_out, origin, created_at, updated_at, last_interaction_at)
select $1, gen_random_uuid(), $2, 'Name' || n % 997 || ' Family' || n % 1009, 'user', 'name' || n % 997 || ' family' || n % 1009,
    array['family' || n % 1009], '+55119' || lpad(n::text, 8, '0'), '55119' || lpad(n::text, 8, '0'),
    case when n % 100 = 0 then 'person' || n || '@example.com' end, case when n % 100 = 1 then 'order-' || n end,
    case when n % 50 = 0 then 'import' else 'waha' end,
    case when n % 100 = 0 then '{whatsapp,Few}'::text[] else '{whatsapp}' end,
    case when n % 100 = 0 then '{whatsapp,few}'::text[] else '{whatsapp}' end, n % 200 = 0, 'inbound',
    now() - n * interval '1 minute', now() - n * interval '1 minute', now() - n * interval '5 minutes'
from generate_series(1, $3::int) n
"""
IDENTITIES = """
insert into contact.channel_identities (tenant_id, id, project_id, contact_id, channel_id, kind, value, match_key, evidence,
    first_seen_at, last_seen_at)
select tenant_id, gen_random_uuid(), project_id, id, case when opted_out then $2 else $1 end::uuid, 'wa_pn', phone_key || '@c.us',
    phone_key, 'test', now(), now()
from contact.contacts
"""
CHANNEL, SMALL_CHANNEL = new_id(), new_id()

LISTS = [
    ({}, "contacts_newest"),
    ({"sort": "created_at"}, "contacts_newest"),
    ({"sort": "-updated_at"}, "contacts_changed"),
    ({"sort": "name"}, "contacts_by_name"),
    ({"sort": "-last_interaction_at"}, "contacts_by_last_interaction"),
    ({"sort": "last_interaction_at"}, "contacts_by_last_interaction"),
    ({"phone": "+5511900000007"}, "contacts_by_phone"),
    ({"email": "person100@example.com"}, "contacts_by_email"),
    ({"external_id": "order-101"}, "contacts_by_external_id"),
    ({"tags": "few"}, "contact_tags_pkey"),
    ({"tags": "whatsapp"}, "contacts_newest"),
    ({"tags_all": "few,whatsapp"}, "contact_tags_pkey"),
    ({"channel_id": SMALL_CHANNEL}, "identities_live"),
    ({"opted_out": "true"}, "contacts_opted_out"),
    ({"source_channel": "import"}, "contacts_newest"),
    ({"name": "family7"}, None),
    ({"created_after": "2020-01-01T00:00:00Z"}, "contacts_newest"),
    ({"updated_before": "2020-01-01T00:00:00Z"}, "contacts_changed"),
    ({"last_interaction_before": "2020-01-01T00:00:00Z"}, "contacts_by_last_interaction"),
]


def nodes_of(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from nodes_of(inner)


class Planner:
    """Asks the service, and then the database how it read for it: as itself, and with no way of reading forbidden."""

    def __init__(self, desk: Any) -> None:
        self._desk = desk

    async def plan(self, path: str, **query: str) -> list[dict[str, Any]]:
        """Return the nodes of the plan of the list or search behind `path`."""
        asked: list[tuple[str, tuple[Any, ...]]] = []
        pool = self._desk.served.parts.database.pool

        def note(record: Any) -> None:
            if "select * from (" in record.query:
                asked.append((record.query, record.args))

        connection = await pool.acquire()
        connection.add_query_logger(note)
        await pool.release(connection)
        try:
            answer = await self._desk.ask("GET", path, params=query)
        finally:
            connection = await pool.acquire()
            connection.remove_query_logger(note)
            await pool.release(connection)
        assert answer.status_code == 200, answer.text
        ((sql, arguments),) = asked
        async with self._desk.served.parts.works.begin([self._desk.tenant]) as work:
            await work.connection.execute("set local enable_seqscan = on")
            await work.connection.execute("set local plan_cache_mode = force_custom_plan")
            ((plan,),) = await work.connection.fetch(f"explain (format json) {sql}", *arguments)
        return list(nodes_of(json.loads(plan)[0]["Plan"]))


@pytest.fixture
async def planner(desk: Any) -> Planner:
    administrator = desk.served.administrator
    await administrator.execute(PEOPLE, desk.tenant, desk.project, 10_000)
    await administrator.execute(PEOPLE, desk.tenant, new_id(), 5_000)
    await administrator.execute(PEOPLE, desk.stranger.tenant_id, new_id(), 5_000)
    await administrator.execute(IDENTITIES, CHANNEL, SMALL_CHANNEL)
    await administrator.execute("vacuum analyze contact.contacts, contact.contact_words, contact.contact_tags")
    await administrator.execute("vacuum analyze contact.channel_identities")
    return Planner(desk)


async def test_every_list_is_read_by_index(planner: Planner) -> None:
    for query, index in LISTS:
        nodes = await planner.plan("/crm/contacts", **query)
        used = {node["Index Name"] for node in nodes if "Index Name" in node}
        assert index is None or index in used, (query, used)
        assert [node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"] == [], query


async def test_every_search_is_read_by_index(planner: Planner) -> None:
    searched = {
        "family7": "contact_words_pkey",
        "name7 family7": "contacts_by_name",
        "11900000123": "contacts_by_phone",
        "0123": "contacts_by_last_digits",
        "person100@": "contacts_by_email",
        "order-1": "contacts_by_external_id",
        "fe": "contact_tags_pkey",
    }
    for q, index in searched.items():
        nodes = await planner.plan("/crm/contacts/search", q=q)
        conditions = [node.get("Index Cond", "") for node in nodes if node.get("Index Name") == index]
        assert any(">=" in condition for condition in conditions), (q, conditions)
        assert [node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"] == [], q


async def test_the_tags_of_a_project_are_read_by_index(planner: Planner) -> None:
    nodes = await planner.plan("/crm/tags")

    assert {node["Index Name"] for node in nodes if "Index Name" in node} == {"contact_tags_pkey"}
    assert [node for node in nodes if node["Node Type"] == "Seq Scan"] == []
