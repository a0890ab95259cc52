"""What the provider says of its session changes the channel, in its own order, and can be read."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from channel_gateway.application.bring_up_channels import BringUpChannels
from channel_gateway.application.messenger import CallFailed
from channel_gateway.domain.send_outcomes import Answer
from waha_simulator.payloads import Person, session_status

SHOP = Person("5548911110000", "900000000000001", "The Shop", device=4)
NOW = datetime.now(UTC).replace(microsecond=0)
LOCK = {"enforcementType": "RESTRICT_ALL_COMPANIONS", "isActive": True, "timeEnforcementEnds": 1_900_000_000}
CAP = {"cappingStatus": "CAPPED", "totalQuota": 100, "usedQuota": 100, "cycleStart": 1, "cycleEnd": 1_900_000_000}


def report(status: str, *, at: datetime = NOW, engine: str = "GOWS", me: bool = True, **more: Any) -> dict[str, Any]:
    known = SHOP if me and status == "WORKING" else None
    return session_status(engine=engine, session="shop", me=known, status=status, at=at, **more)


async def activated(gateway: Any, status: str = "active") -> Any:
    """Connect a channel; somebody has activated it."""
    channel = await gateway.connect()
    await gateway.administrator.execute(
        "update channel_gateway.channels set status = $2 where id = $1", channel.id, status
    )
    return channel


async def status_of(gateway: Any, channel: Any) -> dict[str, Any]:
    answer = await gateway.ask(channel.tenant, "GET", f"/crm/channels/{channel.id}/status")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def changes(gateway: Any) -> list[tuple[str, str]]:
    return [(event["data"]["old"], event["data"]["new"]) for event in await gateway.said("channel.status_changed.v1")]


async def test_nothing_is_known_of_a_session_that_never_spoke(gateway: Any) -> None:
    channel = await gateway.connect()
    assert await status_of(gateway, channel) == {
        "channel_id": channel.id,
        "status": "inactive",
        "status_reason": None,
        "provider_status": None,
        "me": None,
        "engine": None,
        "version": None,
        "qr_available": False,
        "last_event_at": None,
        "webhook_age_seconds": None,
        "restriction": None,
        "quota": None,
    }


@pytest.mark.parametrize("engine", ["GOWS", "NOWEB", "WEBJS", "WPP"])
async def test_a_session_that_works_makes_the_channel_active_and_tells_who_we_are(gateway: Any, engine: str) -> None:
    channel = await activated(gateway, "activating")
    assert (await gateway.post(channel, report("STARTING", at=NOW - timedelta(seconds=2), engine=engine))).is_success
    assert (await status_of(gateway, channel))["status"] == "connecting"
    assert (await gateway.post(channel, report("WORKING", engine=engine))).json()["status"] == "queued"
    status = await status_of(gateway, channel)
    assert status["webhook_age_seconds"] < 60
    assert status | {"last_event_at": None, "webhook_age_seconds": None} == {
        "channel_id": channel.id,
        "status": "active",
        "status_reason": None,
        "provider_status": "WORKING",
        "me": {"id": "5548911110000@c.us", "push_name": "The Shop"},
        "engine": engine,
        "version": "2026.7.1",
        "qr_available": False,
        "last_event_at": None,
        "webhook_age_seconds": None,
        "restriction": None,
        "quota": None,
    }
    assert await changes(gateway) == [("activating", "connecting"), ("connecting", "active")]
    (said,) = await gateway.said("channel.activated.v1")
    shown = (await gateway.ask(channel.tenant, "GET", f"/crm/channels/{channel.id}")).json()
    assert said["data"] == {
        "channel_id": channel.id,
        "at": NOW.isoformat().replace("+00:00", "Z"),
        "version": shown["version"],
        "external_id": "5548911110000@c.us",
    }
    assert (said["partitionkey"], said["tenantid"]) == (channel.id, channel.tenant.tenant_id)
    assert (shown["status"], shown["external_id"], shown["version"]) == ("active", "5548911110000@c.us", 3)


@pytest.mark.parametrize(
    ("word", "becomes"),
    [
        ("STARTING", "connecting"),
        ("SCAN_QR_CODE", "connecting"),
        ("PASSKEY_REQUIRED", "connecting"),
        ("PASSKEY_CONFIRMATION_REQUIRED", "connecting"),
        ("WORKING", "active"),
        ("STOPPED", "disconnected"),
        ("FAILED", "error"),
        ("UNAUTHORIZED", "error"),
        ("HIBERNATING", "active"),
    ],
)
async def test_each_word_of_the_provider_moves_an_active_channel(gateway: Any, word: str, becomes: str) -> None:
    channel = await activated(gateway)
    await gateway.post(channel, report(word))
    status = await status_of(gateway, channel)
    assert (status["status"], status["provider_status"]) == (becomes, word)
    assert status["qr_available"] is (word == "SCAN_QR_CODE")
    assert await changes(gateway) == ([] if becomes == "active" else [("active", becomes)])


async def test_a_session_that_fails_is_looked_after_once(gateway: Any) -> None:
    channel = await activated(gateway)
    for number, word in enumerate(["FAILED", "STARTING", "FAILED"]):
        await gateway.post(channel, report(word, at=NOW + timedelta(seconds=number)))
    (due,) = await gateway.rows("select channel_id::text, purpose from channel_gateway.channel_checks")
    assert tuple(due.values()) == (channel.id, "watch")
    await gateway.administrator.execute("delete from channel_gateway.channel_checks")
    await gateway.post(channel, report("FAILED", at=NOW + timedelta(seconds=9)))
    assert await gateway.rows("select from channel_gateway.channel_checks") == [], "it has not worked since"


async def test_who_has_arrived_is_not_brought_up_any_more(gateway: Any) -> None:
    channel = await gateway.connect()
    await gateway.ask(channel.tenant, "POST", f"/crm/channels/{channel.id}/activate")
    (due,) = await gateway.rows("select purpose from channel_gateway.channel_checks")
    assert due["purpose"] == "activate"
    await gateway.post(channel, report("STARTING"))
    assert len(await gateway.rows("select from channel_gateway.channel_checks")) == 1
    await gateway.post(channel, report("WORKING", at=NOW + timedelta(seconds=1)))
    assert await gateway.rows("select from channel_gateway.channel_checks") == []


class Away:
    """A provider that cannot be reached."""

    async def session(self, server: Any) -> None:
        raise CallFailed(Answer(None, left=False))


async def test_a_provider_that_is_away_for_days_is_still_asked_every_minute(gateway: Any) -> None:
    channel = await activated(gateway, "disconnected")
    key = (channel.tenant.tenant_id, channel.id)
    async with gateway.assembly.begin([key[0]]) as work:
        await work.checks.watch([key])
    await gateway.administrator.execute("update channel_gateway.channel_checks set tries = 5000, failures = 5000")
    await BringUpChannels(gateway.assembly.begin, Away()).check([key])
    (due,) = await gateway.rows("select due_at - now() as wait, failures from channel_gateway.channel_checks")
    assert (round(due["wait"].total_seconds()), due["failures"]) == (60, 5001)


async def test_a_channel_that_nobody_activated_stays_inactive_whatever_its_session_does(gateway: Any) -> None:
    channel = await gateway.connect()
    for number, word in enumerate(["STARTING", "WORKING", "FAILED", "STOPPED"]):
        await gateway.post(channel, report(word, at=NOW + timedelta(seconds=number)))
    status = await status_of(gateway, channel)
    assert (status["status"], status["provider_status"]) == ("inactive", "STOPPED")
    assert await changes(gateway) == []


async def test_a_report_that_was_overtaken_is_ignored_and_counted(gateway: Any) -> None:
    channel = await activated(gateway)
    await gateway.post(channel, report("STOPPED", at=NOW))
    await gateway.post(channel, report("WORKING", at=NOW - timedelta(minutes=3)))
    assert (await status_of(gateway, channel))["status"] == "disconnected"
    rows = await gateway.rows("select state, reason from channel_gateway.inbound_deliveries order by id")
    assert [tuple(row.values()) for row in rows] == [("applied", None), ("ignored", "overtaken")]


async def test_what_seems_to_be_older_than_any_delivery_can_be_was_told_by_another_clock(gateway: Any) -> None:
    channel = await activated(gateway)
    await gateway.post(channel, report("STOPPED", at=NOW))
    await gateway.post(channel, report("WORKING", at=NOW - timedelta(days=400)))
    assert (await status_of(gateway, channel))["status"] == "active"


async def test_the_same_report_again_changes_nothing(gateway: Any) -> None:
    channel = await activated(gateway)
    timeless = {"event": "session.status", "session": "shop", "payload": {"name": "shop", "status": "STOPPED"}}
    for body in (report("FAILED"), report("FAILED"), timeless | {"payload": {"status": "FAILED"}}):
        await gateway.post(channel, body)
    assert await gateway.states(channel) == ["applied", "duplicate", "duplicate"]
    assert await changes(gateway) == [("active", "error")]
    await gateway.post(channel, report("WORKING", at=NOW + timedelta(seconds=1)))
    await gateway.post(channel, timeless)
    assert (await status_of(gateway, channel))["status"] == "disconnected", "words without a time may come again"


async def test_a_whole_history_in_one_batch_ends_as_it_would_one_by_one(gateway: Any) -> None:
    first, second = await activated(gateway), await activated(gateway)
    words = ["STARTING", "SCAN_QR_CODE", "WORKING", "STOPPED", "STARTING", "WORKING"]
    bodies = [report(word, at=NOW + timedelta(seconds=number)) for number, word in enumerate(words)]
    deliveries = [
        gateway.assembly.provider.delivery(
            gateway.assembly.works.new_id(),
            await gateway.assembly.receiving.of_webhook(channel.webhook_id),
            received_at=NOW,
            raw=json.dumps(body).encode(),
            headers={},
        )
        for body in bodies
        for channel in (first, second)
    ]
    await gateway.assembly._store(deliveries)
    for channel in (first, second):
        assert (await status_of(gateway, channel))["status"] == "active"
        (row,) = await gateway.rows("select version from channel_gateway.channels where id = $1", channel.id)
        assert row["version"] == 6, "connecting, active, disconnected, connecting, active"


async def test_a_limit_of_new_chats_is_shown_and_said_until_it_is_lifted(gateway: Any) -> None:
    channel = await activated(gateway)
    await gateway.post(channel, report("WORKING", data={"reachoutTimelock": LOCK}))
    until = "2030-03-17T17:46:40"
    assert (await status_of(gateway, channel))["restriction"] == {
        "kind": "reach_out_timelock",
        "until": f"{until}.000Z",
        "quota": None,
    }
    (said,) = await gateway.said("channel.restricted.v1")
    assert (said["data"]["kind"], said["data"]["until"]) == ("reach_out_timelock", f"{until}Z")
    await gateway.post(channel, report("WORKING", at=NOW + timedelta(seconds=1)))
    assert (await status_of(gateway, channel))["restriction"] is not None, "silence lifts nothing"
    lifted = {"reachoutTimelock": LOCK | {"isActive": False, "timeEnforcementEnds": None}}
    await gateway.post(channel, report("WORKING", at=NOW + timedelta(seconds=2), data=lifted))
    assert (await status_of(gateway, channel))["restriction"] is None
    assert len(await gateway.said("channel.restriction_lifted.v1")) == 1


async def test_a_warning_about_the_quota_is_no_restriction_and_its_end_is_one(gateway: Any) -> None:
    channel = await activated(gateway)
    warning = CAP | {"cappingStatus": "SECOND_WARNING", "usedQuota": 95}
    await gateway.post(channel, report("WORKING", data={"messageCapping": warning}))
    status = await status_of(gateway, channel)
    assert status["restriction"] is None
    assert (status["quota"]["level"], status["quota"]["used"]) == ("SECOND_WARNING", 95)
    assert await gateway.said("channel.restricted.v1") == []
    body = report("WORKING", at=NOW + timedelta(seconds=1))
    body["me"]["messageCapping"] = CAP  # 2026.8.1 says it there as well
    await gateway.post(channel, body)
    restriction = (await status_of(gateway, channel))["restriction"]
    assert (restriction["kind"], restriction["quota"]["used"]) == ("message_cap", 100)


async def test_nobody_reads_the_status_of_another_tenants_channel(gateway: Any, tenant_of: Any) -> None:
    channel = await gateway.connect()
    answer = await gateway.ask(tenant_of(), "GET", f"/crm/channels/{channel.id}/status")
    assert answer.status_code == 404
