"""Lists and searches are read by index, and a message touches none: what holds at half a million contacts."""

from typing import Any

import pytest
from kernel.ids import new_id
from testkit.plans import Watch

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
    ({"tags": "whatsapp"}, "contact_tags_pkey"),
    ({"tags_all": "few,whatsapp"}, "contact_tags_pkey"),
    ({"channel_id": SMALL_CHANNEL}, "identities_live"),
    ({"opted_out": "true"}, "contacts_opted_out"),
    ({"source_channel": "import"}, "contacts_newest"),
    ({"name": "family7"}, None),
    ({"created_after": "2020-01-01T00:00:00Z"}, "contacts_newest"),
    ({"updated_before": "2020-01-01T00:00:00Z"}, "contacts_changed"),
    ({"last_interaction_before": "2020-01-01T00:00:00Z"}, "contacts_by_last_interaction"),
]
FEW = {"phone", "email", "external_id", "channel_id", "updated_before", "last_interaction_before"}
"""What finds so few here that they are sorted."""


@pytest.fixture
async def watch(desk: Any) -> Watch:
    administrator = desk.served.administrator
    await administrator.execute(PEOPLE, desk.tenant, desk.project, 10_000)
    await administrator.execute(PEOPLE, desk.tenant, new_id(), 5_000)
    await administrator.execute(PEOPLE, desk.stranger.tenant_id, new_id(), 5_000)
    await administrator.execute(IDENTITIES, CHANNEL, SMALL_CHANNEL)
    await administrator.execute("vacuum analyze contact.contacts, contact.contact_words, contact.contact_tags")
    await administrator.execute("vacuum analyze contact.channel_identities")
    return Watch(desk.served)


async def test_every_list_is_read_by_index(desk: Any, watch: Watch) -> None:
    for query, index in LISTS:
        *_, plan = await watch.plans(desk.ana, "/crm/contacts", **query)

        assert plan.scanned == [], query
        assert index is None or index in plan.indexes, (query, plan.indexes)


async def test_a_list_is_read_in_its_order_and_not_sorted(desk: Any, watch: Watch) -> None:
    for query, _ in LISTS:
        *_, plan = await watch.plans(desk.ana, "/crm/contacts", **query)
        assert not plan.sorts_everything or FEW & set(query), query


async def test_every_search_is_read_by_index(desk: Any, watch: Watch) -> None:
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
        (plan,) = await watch.plans(desk.ana, "/crm/contacts/search", q=q)
        assert any(">=" in condition for condition in plan.conditions(index)), (q, plan.conditions(index))
        assert plan.scanned == [], q


async def test_the_tags_of_a_project_are_read_by_index(desk: Any, watch: Watch) -> None:
    (plan,) = await watch.plans(desk.ana, "/crm/tags")

    assert plan.indexes == {"contact_tags_pkey"}
    assert plan.scanned == []


async def test_a_page_costs_as_many_statements_as_a_single_row(desk: Any, watch: Watch) -> None:
    for path, query, count in (
        ("/crm/contacts", {}, 4),
        ("/crm/contacts", {"tags": "few"}, 4),
        ("/crm/contacts", {"tags_all": "few,whatsapp"}, 5),
        ("/crm/contacts/search", {"q": "family7"}, 4),
        ("/crm/tags", {}, 3),
    ):
        for limit in (1, 100):
            statements = await watch.statements(desk.ana, path, limit=limit, **query)
            assert len(statements) == count, [statement.sql for statement in statements]
