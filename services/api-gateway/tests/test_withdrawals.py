"""What is withdrawn opens nothing any more, everywhere, within five seconds."""

import time
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from api_gateway.withdrawals import KEPT_S, Withdrawal, Withdrawals
from bus.connection import connected
from bus.publisher import BrokerPublisher
from bus.topology import declare
from contracts.bundles import StoredBundle, packed
from contracts.envelope import AnyEvent, encode, first_event
from contracts.identity.api_key_revoked_v1 import IdentityApiKeyRevokedV1
from contracts.identity.password_changed_v1 import IdentityPasswordChangedV1
from contracts.identity.sign_in_revoked_v1 import IdentitySignInRevokedV1
from contracts.topology import Topology
from gateway_toys import TENANT, USER, Running, StartGateway, ToyIdentity, code_of, signed_in
from kernel.clock import utc_now
from kernel.ids import first_id_at, new_id
from testkit.eventually import eventually
from testkit.servers import Servers, own_topology

CONTACTS = "/api/v1/crm/contacts"
WITHIN_S = 5.0


def topology() -> Topology:
    heard = ("identity.api_key_revoked.v1", "identity.password_changed.v1", "identity.sign_in_revoked.v1")
    return own_topology({each: [] for each in heard})


async def say(servers: Servers, exchange: Topology, data: Any) -> AnyEvent:
    """Publish an event as identity does."""
    event = first_event(
        data,
        id=new_id(),
        source="identity",
        subject=USER,
        time=utc_now(),
        tenant_id=TENANT,
        project_id=None,
        partition_key=TENANT,
        correlation_id=new_id(),
        actor=f"user:{USER}",
    )
    publisher = BrokerPublisher(servers.rabbitmq_url, "identity", exchange)
    try:
        await publisher.publish(f"{data.TYPE}.0", data.TYPE, [StoredBundle(event.id, 1, packed([encode(event)]))])
    finally:
        await publisher.close()
    return event


async def made(servers: Servers) -> Topology:
    return await declared(servers, topology())


async def declared(servers: Servers, exchange: Topology) -> Topology:
    """Make what an event goes through."""
    async with connected(servers.rabbitmq_url, "tests") as connection:
        await declare(await connection.channel(), exchange, 1)
    return exchange


async def refused_within(gateway: Running, headers: dict[str, str], within_s: float = WITHIN_S) -> httpx.Response:
    async def look() -> httpx.Response | None:
        answer = await gateway.client.get(CONTACTS, headers=headers)
        return answer if answer.status_code == 401 else None

    found = await eventually(look, within_s=within_s)
    assert found is not None
    return found


async def test_a_revoked_key_is_refused_within_seconds_everywhere(
    start_gateway: StartGateway, servers: Servers, identity: ToyIdentity
) -> None:
    exchange, key = await made(servers), identity.make_key()
    headers = {"X-API-Key": key}
    options: dict[str, Any] = {"hears": True, "rabbitmq_url": servers.rabbitmq_url, "topology": exchange}
    async with start_gateway(**options) as one, start_gateway(**options) as other:
        for gateway in (one, other):
            await eventually(gateway.built.hearing.listening.is_set)
            assert (await gateway.client.get(CONTACTS, headers=headers)).status_code == 200
        key_id = identity.holder_of(key)["credential_id"]
        await say(
            servers, exchange, IdentityApiKeyRevokedV1(api_key_id=key_id, name="k", prefix="vk_00000000", role="admin")
        )
        # Identity still says that the key is good: only the event can have told otherwise.
        for gateway in (one, other):
            assert code_of(await refused_within(gateway, headers)) == "token_revoked"


async def test_an_ended_sign_in_is_refused_and_its_neighbour_is_not(
    start_gateway: StartGateway, servers: Servers
) -> None:
    exchange, ended = await made(servers), new_id()
    options: dict[str, Any] = {"hears": True, "rabbitmq_url": servers.rabbitmq_url, "topology": exchange}
    async with start_gateway(**options) as gateway:
        await eventually(gateway.built.hearing.listening.is_set)
        headers, others = signed_in(sid=ended), signed_in()
        assert (await gateway.client.get(CONTACTS, headers=headers)).status_code == 200
        await say(servers, exchange, IdentitySignInRevokedV1(user_id=USER, all=False, sign_in_id=ended))
        assert code_of(await refused_within(gateway, headers)) == "token_revoked"
        assert (await gateway.client.get(CONTACTS, headers=others)).status_code == 200


async def test_all_sign_ins_of_a_user_end_but_not_the_next_one(start_gateway: StartGateway, servers: Servers) -> None:
    exchange, before = await made(servers), signed_in()
    options: dict[str, Any] = {"hears": True, "rabbitmq_url": servers.rabbitmq_url, "topology": exchange}
    async with start_gateway(**options) as gateway:
        await eventually(gateway.built.hearing.listening.is_set)
        await say(servers, exchange, IdentitySignInRevokedV1(user_id=USER, all=True))
        assert code_of(await refused_within(gateway, before)) == "token_revoked"
        assert (await gateway.client.get(CONTACTS, headers=signed_in())).status_code == 200, "signed in again since"
        assert (await gateway.client.get(CONTACTS, headers=signed_in(sub=new_id()))).status_code == 200


async def test_a_changed_password_ends_every_sign_in_but_the_one_it_was_changed_with(
    start_gateway: StartGateway, servers: Servers
) -> None:
    exchange, own = await made(servers), new_id()
    options: dict[str, Any] = {"hears": True, "rabbitmq_url": servers.rabbitmq_url, "topology": exchange}
    async with start_gateway(**options) as gateway:
        await eventually(gateway.built.hearing.listening.is_set)
        mine, others = signed_in(sid=own), signed_in()
        await say(servers, exchange, IdentityPasswordChangedV1(user_id=USER, all=False, sign_in_id=own))
        assert code_of(await refused_within(gateway, others)) == "token_revoked"
        assert (await gateway.client.get(CONTACTS, headers=mine)).status_code == 200
        await say(servers, exchange, IdentityPasswordChangedV1(user_id=USER, all=True))
        assert code_of(await refused_within(gateway, mine)) == "token_revoked"


async def test_the_last_hour_is_known_from_the_start(start_gateway: StartGateway, identity: ToyIdentity) -> None:
    ended = new_id()
    identity.withdrawn.append(withdrawn("sign_in", ended))
    async with start_gateway() as gateway:
        answer = await gateway.client.get(CONTACTS, headers=signed_in(sid=ended))
        assert (answer.status_code, code_of(answer)) == (401, "token_revoked")


async def test_while_the_broker_is_away_withdrawals_are_asked_for(
    start_gateway: StartGateway, identity: ToyIdentity
) -> None:
    key, ended = identity.make_key(), new_id()
    async with start_gateway(hears=True) as gateway:
        for headers in ({"X-API-Key": key}, signed_in(sid=ended)):
            assert (await gateway.client.get(CONTACTS, headers=headers)).status_code == 200
        identity.withdrawn += [
            withdrawn("sign_in", ended),
            withdrawn("api_key", identity.holder_of(key)["credential_id"]),
        ]
        for headers in ({"X-API-Key": key}, signed_in(sid=ended)):
            assert code_of(await refused_within(gateway, headers)) == "token_revoked"


async def test_withdrawals_are_read_again_after_a_gap_in_hearing(
    start_gateway: StartGateway, servers: Servers, identity: ToyIdentity
) -> None:
    exchange = await made(servers)
    options: dict[str, Any] = {"hears": True, "rabbitmq_url": servers.rabbitmq_url, "topology": exchange}
    async with start_gateway(**options) as gateway:
        await eventually(gateway.built.hearing.listening.is_set)
        ended, asked = new_id(), identity.asked["withdrawals"]
        identity.withdrawn.append(withdrawn("sign_in", ended))
        gateway.built.reader.note_gap()
        await refused_within(gateway, signed_in(sid=ended))
        assert identity.asked["withdrawals"] > asked


def test_denials_are_kept_until_every_token_has_expired_and_no_longer() -> None:
    now = [0.0]
    denied = Withdrawals(now=lambda: now[0])
    sign_in, key, user = new_id(), new_id(), new_id()
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    denied.add(
        [Withdrawal(moment, sign_in_id=sign_in), Withdrawal(moment, api_key_id=key), Withdrawal(moment, user_id=user)]
    )
    before = first_id_at(int(moment.timestamp() * 1000) - 1)
    after = first_id_at(int(moment.timestamp() * 1000) + 1)
    assert denied.denies(sign_in)
    assert denied.denies(key)
    assert denied.denies(before, user)
    assert not denied.denies(after, user)
    assert not denied.denies(before, new_id())
    assert denied.denies("not a version 7 id", user)
    now[0] = KEPT_S + 1
    denied.add([])
    assert not denied.denies(sign_in)
    assert not denied.denies(before, user)


@pytest.mark.parametrize("later_first", [True, False])
def test_of_two_ends_of_all_sign_ins_the_later_counts(later_first: bool) -> None:
    denied, user = Withdrawals(), new_id()
    moments = [datetime(2026, 1, 1, 12, tzinfo=UTC), datetime(2026, 1, 1, 13, tzinfo=UTC)]
    for moment in reversed(moments) if later_first else moments:
        denied.add([Withdrawal(moment, user_id=user)])
    assert denied.denies(first_id_at(int(moments[1].timestamp() * 1000) - 1), user)


@pytest.mark.parametrize("twice", [True, False])
def test_a_sign_in_that_goes_on_had_not_ended_before(twice: bool) -> None:
    denied, user = Withdrawals(), new_id()
    moment = datetime(2026, 1, 1, 13, tzinfo=UTC)
    kept = first_id_at(int(moment.timestamp() * 1000) - 5)
    changed = Withdrawal(moment, user_id=user, kept=kept)
    ended_before = Withdrawal(datetime(2026, 1, 1, 12, tzinfo=UTC), user_id=user)
    denied.add([changed, ended_before] if twice else [ended_before, changed])
    assert not denied.denies(kept, user)
    assert denied.denies(first_id_at(int(moment.timestamp() * 1000) - 6), user)
    denied.add([Withdrawal(moment, sign_in_id=kept)])
    assert denied.denies(kept, user)


def withdrawn(kind: str, identifier: str) -> dict[str, Any]:
    at = datetime.fromtimestamp(time.time(), UTC).isoformat()
    return {"kind": kind, "id": identifier, "tenant_id": TENANT, "user_id": USER, "at": at}
