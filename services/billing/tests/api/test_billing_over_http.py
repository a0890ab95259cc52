"""Accounts and usage as an owner sees them: the whole service over ASGI, on a real database."""

from datetime import UTC, datetime
from typing import Any

from kernel.ids import new_id
from testkit.serving import a_caller

TENANT, PROJECT, OTHER_PROJECT = new_id(), new_id(), new_id()
OWNER = a_caller(TENANT, PROJECT, owner=True)
STRANGER = a_caller(new_id(), new_id(), owner=True)
NOVEMBER = {"from": "2026-11-01", "to": "2026-12-01"}


async def test_the_owner_reads_the_account_and_another_tenant_finds_nothing(house: Any) -> None:
    await house.hears(house.registered(TENANT))

    listed = (await house.served.ask(OWNER, "GET", "/billing/accounts")).json()
    (account,) = listed["data"]
    path = f"/billing/accounts/{account['id']}"
    read = await house.served.ask(OWNER, "GET", path)

    assert (read.status_code, read.json(), read.headers["ETag"]) == (200, account, '"1"')
    assert (account["payment_status"], account["plan_code"], account["currency"]) == ("active", "self_hosted", "BRL")
    assert (account["can_send"], account["can_create_project"], account["suspended_at"]) == (True, True, None)
    assert (await house.served.ask(STRANGER, "GET", path)).status_code == 404
    assert (await house.served.ask(STRANGER, "GET", "/billing/accounts")).json()["data"] == []


async def test_a_suspended_account_may_not_send(house: Any) -> None:
    await house.hears(house.registered(TENANT))
    await house.served.administrator.execute(
        "update billing.billing_accounts set payment_status = 'suspended', suspended_at = now(), suspension_reason = 'unpaid'"
    )

    (account,) = (await house.served.ask(OWNER, "GET", "/billing/accounts")).json()["data"]

    assert (account["can_send"], account["can_create_project"], account["suspension_reason"]) == (
        False,
        False,
        "unpaid",
    )


async def test_usage_is_told_by_project_metric_and_month(house: Any) -> None:
    ana = new_id()
    await house.hears(
        house.received(TENANT, PROJECT, contact=ana),
        house.received(TENANT, PROJECT, contact=ana),
        house.received(TENANT, OTHER_PROJECT),
        house.received(STRANGER.tenant_id, PROJECT, contact=ana),
    )
    await house.hears(house.sent(TENANT, PROJECT, contact=ana))
    await house.hears(house.executed(TENANT, PROJECT))

    rows = await house.usage(OWNER, **NOVEMBER)

    assert sorted((row["project_id"], row["metric"], row["quantity"]) for row in rows) == sorted(
        [
            (PROJECT, "active_contacts", 1),
            (PROJECT, "automations_run", 1),
            (PROJECT, "messages_received", 2),
            (PROJECT, "messages_sent", 1),
            (OTHER_PROJECT, "messages_received", 1),
        ]
    )
    assert {(row["month"], row["day"], row["period_start"], row["period_end"]) for row in rows} == {
        ("2026-11", None, "2026-11-01T00:00:00.000Z", "2026-12-01T00:00:00.000Z")
    }
    assert {(row["included"], row["last_reported_at"]) for row in rows} == {(None, None)}


async def test_usage_by_day_shows_who_was_active_each_day_and_once_in_the_month(house: Any) -> None:
    ana = new_id()
    for day in (1, 1, 2, 30):
        await house.hears(house.received(TENANT, PROJECT, datetime(2026, 11, day, 23, 59, tzinfo=UTC), contact=ana))

    by_day = await house.usage(OWNER, **NOVEMBER, group_by="day")
    by_month = await house.usage(OWNER, **NOVEMBER, group_by="month")

    assert [(row["day"], row["metric"], row["quantity"]) for row in by_day] == [
        ("2026-11-01", "active_contacts", 1),
        ("2026-11-01", "messages_received", 2),
        ("2026-11-02", "active_contacts", 1),
        ("2026-11-02", "messages_received", 1),
        ("2026-11-30", "active_contacts", 1),
        ("2026-11-30", "messages_received", 1),
    ]
    assert [(row["month"], row["metric"], row["quantity"]) for row in by_month] == [
        ("2026-11", "active_contacts", 1),
        ("2026-11", "messages_received", 4),
    ]


async def test_usage_is_narrowed_by_project_metric_account_and_time(house: Any) -> None:
    await house.hears(house.registered(TENANT))
    (account,) = (await house.served.ask(OWNER, "GET", "/billing/accounts")).json()["data"]
    await house.hears(
        house.received(TENANT, PROJECT, datetime(2026, 10, 31, 23, 59, 59, tzinfo=UTC)),
        house.received(TENANT, PROJECT, datetime(2026, 11, 1, tzinfo=UTC), contact=new_id()),
        house.received(TENANT, OTHER_PROJECT, datetime(2026, 11, 1, tzinfo=UTC)),
    )

    async def quantities(**query: str) -> list[int]:
        return [row["quantity"] for row in await house.usage(OWNER, **query)]

    assert await quantities(**NOVEMBER, metric="messages_received", project_id=PROJECT) == [1]
    assert await quantities(**NOVEMBER, metric="messages_received,active_contacts", project_id=PROJECT) == [1, 1]
    assert await quantities(**NOVEMBER, project_id=OTHER_PROJECT, billing_account_id=account["id"]) == [1]
    assert await quantities(**NOVEMBER, billing_account_id=new_id()) == []
    # Whole periods: a moment within a month stands for that month.
    assert await quantities(**{"from": "2026-10-31T23:00:00-03:00", "to": "2026-11-15"}, metric="active_contacts") == [
        1
    ]
    assert await quantities(**{"from": "2026-10-15", "to": "2026-11-01"}) == [1]


async def test_nothing_given_means_the_present_month(house: Any) -> None:
    now = datetime.now(UTC)
    last_month = datetime(now.year - (now.month == 1), (now.month - 2) % 12 + 1, 1, tzinfo=UTC)
    await house.hears(house.received(TENANT, PROJECT, now), house.received(TENANT, PROJECT, last_month))

    (row,) = await house.usage(OWNER)

    assert (row["month"], row["quantity"]) == (f"{now:%Y-%m}", 1)


BAD_QUESTIONS = [
    ("from=yesterday", "?from", "bad_format"),
    ("from=2026-13-01", "?from", "bad_format"),
    ("to=2026-11-01T00:00:00", "?to", "bad_format"),
    ("from=2026-11-02&to=2026-11-02", "?to", "out_of_range"),
    ("from=2025-01-01&to=2026-11-02&group_by=day", "?to", "out_of_range"),
    ("metric=coffee", "?metric", "not_in_enum"),
    ("group_by=week", "?group_by", "not_in_enum"),
    ("project_id=7", "?project_id", "bad_format"),
    ("tenant_id=7", "?tenant_id", "unknown_field"),
]


async def test_bad_questions_name_the_field(house: Any) -> None:
    for query, pointer, code in BAD_QUESTIONS:
        answer = await house.served.ask(OWNER, "GET", f"/billing/usage?{query}")
        assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json"), query
        assert [(each["pointer"], each["code"]) for each in answer.json()["errors"]] == [(pointer, code)], query


async def test_only_owners_see_billing(house: Any) -> None:
    for path in ("/billing/usage", "/billing/accounts", f"/billing/accounts/{new_id()}"):
        answer = await house.served.ask(a_caller(TENANT, PROJECT, role="admin"), "GET", path)
        assert (answer.status_code, answer.json()["required"]) == (403, "billing.view")
