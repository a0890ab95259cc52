"""Channels are brought up at their provider: whatever the session does, somebody is told how it ended."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from channel_gateway.adapters.waha.provider_sessions import WahaSessions
from testkit.eventually import eventually
from waha_simulator.payloads import session_status


async def activate(world: Any, engine: str = "GOWS", *, opened: bool = True, scanned: bool = True) -> Any:
    """Connect a channel and ask for it to work; its session may be there already, and its phone paired."""
    channel = await world.gateway.connect(session="shop", base_url=world.simulator.url)
    if opened:
        await world.waha.post(f"/api/sessions?engine={engine}", json={"name": "shop", "start": True})
        if scanned:
            await world.control("sessions/shop/scan", phone="5511940000001")
    await ask(world, channel)
    return channel


async def ask(world: Any, channel: Any) -> None:
    answer = await world.gateway.ask(channel.tenant, "POST", f"/crm/channels/{channel.id}/activate")
    assert answer.status_code == 202, answer.text


async def is_(world: Any, channel: Any, status: str) -> bool:
    (row,) = await world.gateway.rows("select status from channel_gateway.channels where id = $1", channel.id)
    return bool(row["status"] == status)


async def failed(world: Any) -> Any:
    """Return what is said of an activation that failed."""
    said = await world.gateway.said("channel.activation_failed.v1")
    return said[0]["data"] if said else None


def says_nothing(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on no webhook of WAHA arrives."""
    monkeypatch.setattr(world.simulator.simulator.deliveries, "post", lambda *_, **__: None)


async def nothing_due(world: Any) -> bool:
    return await world.gateway.rows("select * from channel_gateway.channel_checks") == []


async def restarts(world: Any) -> int:
    return len(await world.calls("/api/sessions/shop/restart"))


async def test_a_session_that_is_not_there_is_opened_and_works_once_its_phone_is_paired(world: Any) -> None:
    channel = await activate(world, opened=False)
    await eventually(lambda: is_(world, channel, "connecting"), within_s=20)
    await world.control("sessions/shop/scan", phone="5511940000001")
    await eventually(lambda: is_(world, channel, "active"), within_s=20)
    assert await nothing_due(world), "it has arrived: nobody looks any more"
    assert await failed(world) is None


async def test_a_look_that_is_older_than_the_report_that_it_works_changes_nothing(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    look, crossed = WahaSessions.session, asyncio.Event()

    async def slow_look(self: WahaSessions, server: Any) -> Any:
        seen = await look(self, server)
        if seen is not None and seen.status == "SCAN_QR_CODE" and not crossed.is_set():
            await world.control("sessions/shop/scan", phone="5511940000001")
            await eventually(lambda: is_(world, channel, "active"), within_s=20)
            crossed.set()
        return seen

    monkeypatch.setattr(WahaSessions, "session", slow_look)
    channel = await world.gateway.connect(session="shop", base_url=world.simulator.url)
    await ask(world, channel)
    await asyncio.wait_for(crossed.wait(), 30)
    await asyncio.sleep(0.5)  # nobody tells when a look has been forgotten
    assert await is_(world, channel, "active"), "it works, whatever was seen before"


async def test_a_session_that_vanishes_while_it_is_brought_up_is_opened_again(world: Any) -> None:
    channel = await activate(world, scanned=False)
    await eventually(lambda: is_(world, channel, "connecting"), within_s=20)
    world.simulator.simulator.sessions._sessions.pop("shop")  # without a word, as when its WAHA lost its disk
    await eventually(lambda: world.simulator.simulator.sessions.get("shop") is not None, within_s=20)
    await world.control("sessions/shop/scan", phone="5511940000001")
    await eventually(lambda: is_(world, channel, "active"), within_s=20)


async def test_a_session_that_fails_meanwhile_is_restarted_once_and_then_the_activation_has_failed(world: Any) -> None:
    channel = await activate(world, scanned=False)  # nobody ever scans: six codes, and it has failed
    said = await eventually(lambda: failed(world), within_s=30, because="nobody was told")
    assert said["channel_id"] == channel.id
    assert said["reason"] == "the provider's session fails, also after a restart"
    assert await restarts(world) == 1
    assert await is_(world, channel, "error")
    assert await nothing_due(world)
    await world.control("sessions/shop/scan", phone="5511940000001")
    await eventually(lambda: is_(world, channel, "active"), within_s=20, because="it works after all")


async def test_a_restart_that_helps_ends_the_activation_well(world: Any) -> None:
    channel = await activate(world)
    await eventually(lambda: is_(world, channel, "active"), within_s=20)
    await world.gateway.ask(channel.tenant, "POST", f"/crm/channels/{channel.id}/deactivate")
    await eventually(lambda: nothing_due(world), within_s=20)
    await world.control("sessions/shop/status", status="FAILED")
    await ask(world, channel)
    await eventually(lambda: is_(world, channel, "active"), within_s=20)
    assert (await restarts(world), await failed(world)) == (1, None)


async def test_nothing_is_restarted_while_new_chats_are_locked(world: Any) -> None:
    channel = await activate(world)
    await eventually(lambda: is_(world, channel, "active"), within_s=20)
    await world.gateway.ask(channel.tenant, "POST", f"/crm/channels/{channel.id}/deactivate")
    await eventually(lambda: nothing_due(world), within_s=20)
    await world.control("sessions/shop/status", status="FAILED")
    await world.drain()
    ends = datetime.now(UTC) + timedelta(hours=1)
    await world.gateway.administrator.execute(
        "update channel_gateway.provider_sessions set limits = jsonb_build_object('reach_out_timelock',"
        " jsonb_build_object('active', true, 'until', $1::text))",
        ends.isoformat(),
    )
    await ask(world, channel)
    said = await eventually(lambda: failed(world), within_s=20)
    assert "locked" in said["reason"]
    assert await restarts(world) == 0


async def test_a_provider_that_does_not_reach_our_webhook_fails_the_activation(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("channel_gateway.application.bring_up_channels.CALLBACK_TIME", timedelta(seconds=1))
    says_nothing(world, monkeypatch)
    await activate(world)
    said = await eventually(lambda: failed(world), within_s=20)
    assert said["reason"] == "the provider does not reach our webhook"


async def test_a_phone_that_nobody_pairs_in_time_fails_the_activation(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("channel_gateway.application.bring_up_channels.PAIRING_TIME", timedelta(seconds=1))
    channel = await activate(world, scanned=False)
    said = await eventually(lambda: failed(world), within_s=20)
    assert said["reason"] == "nobody has paired the phone in time"
    assert await is_(world, channel, "error")


async def test_after_the_restart_of_a_working_session_somebody_looks_whether_it_helped(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = await activate(world)
    await eventually(lambda: is_(world, channel, "active"), within_s=20)
    await world.drain()
    says_nothing(world, monkeypatch)  # from now on it is asked, or nothing is known
    await world.control("sessions/shop/status", status="FAILED")
    await world.gateway.post(
        channel, session_status(engine="GOWS", session="shop", me=None, status="FAILED", at=datetime.now(UTC))
    )
    await eventually(lambda: is_(world, channel, "error"), within_s=20)
    await eventually(lambda: is_(world, channel, "active"), within_s=20, because="nobody looked again")
    assert await restarts(world) == 1
    await eventually(lambda: nothing_due(world), within_s=20)


async def test_a_restart_that_does_not_help_leaves_the_channel_in_error_and_nobody_looks_for_ever(world: Any) -> None:
    channel = await activate(world)
    await eventually(lambda: is_(world, channel, "active"), within_s=20)
    session = world.simulator.simulator.sessions.get("shop")
    session.paired = None  # logged out on the phone: it will ask for codes, and fail
    await world.control("sessions/shop/status", status="FAILED")
    await eventually(lambda: is_(world, channel, "error"), within_s=20)
    await eventually(lambda: nothing_due(world), within_s=30, because="it is looked at for ever")
    assert await restarts(world) == 1
    assert await is_(world, channel, "error")


async def test_a_session_that_vanishes_while_it_is_watched_disconnects_its_channel(world: Any) -> None:
    channel = await activate(world)
    await eventually(lambda: is_(world, channel, "active"), within_s=20)
    await world.drain()
    world.simulator.simulator.sessions._sessions.pop("shop")
    await world.gateway.administrator.execute("update channel_gateway.channels set status = 'connecting'")
    async with world.gateway.assembly.begin([channel.tenant.tenant_id]) as work:
        await work.checks.watch([(channel.tenant.tenant_id, channel.id)])
    await eventually(lambda: is_(world, channel, "disconnected"), within_s=20)
    assert await nothing_due(world)
    assert await failed(world) is None, "nobody has asked for anything"


async def test_who_asks_for_what_is_away_is_told_so(world: Any) -> None:
    channel = await world.gateway.connect(session="shop", base_url=world.simulator.url)
    await world.goes_away(seconds=30)
    await ask(world, channel)
    said = await eventually(lambda: failed(world), within_s=20)
    assert said["reason"] == "the provider cannot be reached"
    assert await nothing_due(world)
