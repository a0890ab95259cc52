"""A page of the audit log costs what it shows, however long the log is and however many months it has."""

from typing import Any

from kernel.ids import new_id
from testkit.plans import Watch
from testkit.serving import a_caller

TENANT, PROJECT = new_id(), new_id()

# A log of three months; every hundredth entry is of one person, one object and one action.
ENTRIES = """
insert into identity.audit_entries (tenant_id, id, project_id, created_at, source, actor_kind, actor_id, action, object_type, object_id,
    changes, request_id, correlation_id)
select $1::uuid, gen_random_uuid(), $2::uuid, now() + n * interval '10 minutes', 'contact', 'user',
    case when n % 100 = 0 then $1::uuid else gen_random_uuid() end, case when n % 100 = 0 then 'login' else 'change_contact' end,
    case when n % 100 = 0 then 'user' else 'contact' end, gen_random_uuid()::text, '{}', gen_random_uuid(), gen_random_uuid()
from generate_series(1, $3::int) n
"""
BY_TIME = "_pkey"
LISTS: list[tuple[dict[str, Any], str]] = [
    ({}, BY_TIME),
    ({"sort": "created_at"}, BY_TIME),
    ({"created_after": "2026-01-01T00:00:00Z", "created_before": "2029-01-01T00:00:00Z"}, BY_TIME),
    ({"actor_id": TENANT}, "_tenant_id_actor_id_created_at_id_idx"),
    ({"object_id": new_id()}, "_tenant_id_object_id_created_at_id_idx"),
    ({"object_type": "user"}, "_tenant_id_object_type_created_at_id_idx"),
    ({"action": "login"}, "_tenant_id_action_created_at_id_idx"),
]


async def test_every_filter_has_an_index_in_the_order_of_the_list(house: Any) -> None:
    for tenant, project, count in ((TENANT, PROJECT, 8000), (TENANT, new_id(), 2000), (new_id(), new_id(), 4000)):
        await house.served.administrator.execute(ENTRIES, tenant, project, count)
    await house.served.administrator.execute("vacuum analyze identity.audit_entries")
    watch, admin = Watch(house.served), a_caller(TENANT, PROJECT)

    for query, index in LISTS:
        (plan,) = await watch.plans(admin, "/crm/audit-log", **query)

        assert plan.scanned == [], query
        assert [name for name in plan.indexes if not name.endswith(index)] == [], (query, plan.indexes)
        assert not plan.sorts_everything, query
