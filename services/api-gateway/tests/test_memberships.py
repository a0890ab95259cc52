"""A membership that is another counts within five seconds, also for tokens in hand and keys that are remembered."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import httpx
from api_gateway.api_keys import ApiKeys, ResolvedKey
from api_gateway.memberships import MembershipChange, Memberships
from api_gateway.principals import Principal
from api_gateway.withdrawals import KEPT_S
from contracts.project_member.joined_v1 import ProjectMemberJoinedV1
from contracts.project_member.removed_v1 import ProjectMemberRemovedV1
from contracts.project_member.role_changed_v1 import ProjectMemberRoleChangedV1
from contracts.topology import Topology
from gateway_toys import (
    OTHER_PROJECT,
    PROJECT,
    TENANT,
    USER,
    Echo,
    Running,
    StartGateway,
    ToyIdentity,
    code_of,
    signed_in,
)
from hypothesis import given
from hypothesis import strategies as st
from kernel.ids import new_id
from test_withdrawals import WITHIN_S, declared, say
from testkit.eventually import eventually
from testkit.servers import Servers, own_topology
from web.permissions import permissions_of

CONTACTS = "/api/v1/crm/contacts"
HEARD = ("project_member.joined.v1", "project_member.removed.v1", "project_member.role_changed.v1")
MEMBER = {"member_id": new_id(), "project_id": PROJECT, "user_id": USER, "revision": 2}


def topology() -> Topology:
    return own_topology({each: [] for each in HEARD})


async def answers(gateway: Running, status: int, headers: dict[str, str]) -> httpx.Response:
    """Ask until the answer is that one; it must be within five seconds."""

    async def look() -> httpx.Response | None:
        answer = await gateway.client.get(CONTACTS, headers=headers)
        return answer if answer.status_code == status else None

    found = await eventually(look, within_s=WITHIN_S)
    assert found is not None
    return found


async def role_of(gateway: Running, headers: dict[str, str]) -> Any:
    answer = await gateway.client.get(f"{CONTACTS}/{new_id()}", headers=headers)
    return answer.json().get("role")


async def test_another_role_counts_for_tokens_in_hand_and_for_keys(
    start_gateway: StartGateway, servers: Servers, identity: ToyIdentity
) -> None:
    exchange, key = await declared(servers, topology()), identity.make_key()
    async with start_gateway(hears=True, rabbitmq_url=servers.rabbitmq_url, topology=exchange) as gateway:
        await eventually(gateway.built.hearing.listening.is_set)
        by_token, by_key, somebody = signed_in(), {"X-API-Key": key}, signed_in(sub=new_id())
        for headers in (by_token, by_key, somebody):
            assert await role_of(gateway, headers) == "admin"
        place = identity.holder_of(key)["projects"][0]
        place.update(role="viewer", permissions=sorted(permissions_of("viewer")))
        await say(
            servers,
            exchange,
            ProjectMemberRoleChangedV1(**MEMBER, old_role="admin", new_role="viewer", changed_by=USER),
        )

        for headers in (by_token, by_key):

            async def is_viewer(headers: dict[str, str] = headers) -> bool:
                return bool(await role_of(gateway, headers) == "viewer")

            await eventually(is_viewer, within_s=WITHIN_S)
            deletion = await gateway.client.delete(f"{CONTACTS}/{new_id()}", headers=headers)
            assert (deletion.status_code, code_of(deletion)) == (403, "permission_denied")
        assert await role_of(gateway, somebody) == "admin"


async def test_a_project_is_closed_to_whoever_was_removed_and_opened_to_whoever_joined(
    start_gateway: StartGateway, servers: Servers
) -> None:
    exchange, agent = await declared(servers, topology()), new_id()
    async with start_gateway(hears=True, rabbitmq_url=servers.rabbitmq_url, topology=exchange) as gateway:
        await eventually(gateway.built.hearing.listening.is_set)
        here, there = signed_in() | {"X-Project-Id": PROJECT}, signed_in() | {"X-Project-Id": OTHER_PROJECT}
        await answers(gateway, 200, here)
        assert (await gateway.client.get(CONTACTS, headers=there)).status_code == 404

        await say(servers, exchange, ProjectMemberRemovedV1(**MEMBER, role="admin", removed_by=USER))
        joined = {**MEMBER, "project_id": OTHER_PROJECT, "agent_id": agent}
        await say(servers, exchange, ProjectMemberJoinedV1(**joined, role="agent"))

        assert code_of(await answers(gateway, 404, here)) == "not_found"
        await answers(gateway, 200, there)
        assert await role_of(gateway, there) == "agent"
        # Without any project that was named: the one that is left.
        assert await role_of(gateway, signed_in()) == "agent"


async def test_whoever_was_only_invited_had_nothing_to_lose(start_gateway: StartGateway, servers: Servers) -> None:
    exchange = await declared(servers, topology())
    async with start_gateway(hears=True, rabbitmq_url=servers.rabbitmq_url, topology=exchange) as gateway:
        await eventually(gateway.built.hearing.listening.is_set)
        invited = {name: value for name, value in MEMBER.items() if name != "user_id"}
        await say(servers, exchange, ProjectMemberRemovedV1(**invited, role="agent", removed_by=USER))
        await say(
            servers, exchange, ProjectMemberRemovedV1(**(MEMBER | {"user_id": new_id()}), role="agent", removed_by=USER)
        )
        await asyncio.sleep(1)
        assert (await gateway.client.get(CONTACTS, headers=signed_in())).status_code == 200


async def test_the_last_hour_is_known_from_the_start(start_gateway: StartGateway, identity: ToyIdentity) -> None:
    person = new_id()  # not everybody's: other gateways read the same list meanwhile
    for revision, role in ((1, None), (0, "supervisor")):
        identity.withdrawn.append(
            {
                "kind": "membership",
                "id": new_id(),
                "tenant_id": TENANT,
                "user_id": person,
                "at": datetime.now(UTC).isoformat(),
                "project_id": PROJECT,
                "role": role,
                "agent_id": None,
                "revision": revision,
            }
        )
    async with start_gateway() as gateway:
        answer = await gateway.client.get(CONTACTS, headers=signed_in(sub=person) | {"X-Project-Id": PROJECT})
        assert (answer.status_code, code_of(answer)) == (404, "not_found")
        assert (await gateway.client.get(CONTACTS, headers=signed_in(sub=person))).status_code == 403


async def test_a_path_that_names_a_project_brings_its_rights(
    start_gateway: StartGateway, services: dict[str, str], echo: Echo
) -> None:
    members = "/api/v1/crm/projects/{}/members"
    two = {"prj": {PROJECT: "admin", OTHER_PROJECT: "viewer"}}
    async with start_gateway() as gateway:

        async def ask(project: str, **headers: str) -> int:
            answer = await gateway.client.get(members.format(project), headers=signed_in(**two) | headers)
            return answer.status_code

        assert await ask(OTHER_PROJECT) == 200
        assert echo.heard[-1].target == members.format(OTHER_PROJECT)
        assert await ask(OTHER_PROJECT, **{"X-Project-Id": OTHER_PROJECT}) == 200
        assert await ask(OTHER_PROJECT, **{"X-Project-Id": PROJECT}) == 404
        assert await ask(new_id()) == 404
        assert await ask("not-an-id") == 400
        assert await ask(OTHER_PROJECT.upper()) == 400


async def test_where_signing_in_is_optional_a_wrong_credential_is_still_wrong(
    client: httpx.AsyncClient, echo: Echo
) -> None:
    accept = "/api/v1/auth/invitations/accept"
    nobody = await client.post(accept, json={"token": "x"})
    assert nobody.status_code == 200
    assert echo.heard[-1].header("x-internal-token") == []
    somebody = await client.post(accept, json={"token": "x"}, headers=signed_in())
    assert somebody.status_code == 200
    assert len(echo.heard[-1].header("x-internal-token")) == 1
    for headers in ({"Authorization": "Bearer x.y.z"}, signed_in(life_s=-100)):
        assert (await client.post(accept, json={"token": "x"}, headers=headers)).status_code == 401
    # Elsewhere a public route asks for nobody's credential.
    assert (await client.post("/api/v1/auth/login", json={}, headers=signed_in(life_s=-100))).status_code == 200


changes = st.builds(
    MembershipChange,
    st.integers(0, 5),
    st.sampled_from(["ana", "bia"]),
    st.sampled_from(["p1", "p2"]),
    st.none() | st.sampled_from(["admin", "viewer"]),
)


@given(st.lists(changes, max_size=20))
def test_of_changes_in_any_order_the_latest_counts(heard: list[MembershipChange]) -> None:
    memberships = Memberships(now=lambda: 0.0)
    memberships.add(heard)
    for user in ("ana", "bia"):
        for project in ("p1", "p2"):
            about = [each for each in heard if (each.user_id, each.project_id) == (user, project)]
            known = memberships.of(user).get(project)
            assert (
                known is None
                if not about
                else known is not None and known.revision == max(each.revision for each in about)
            )


def test_changes_are_kept_until_every_token_has_expired_and_no_longer() -> None:
    now = [0.0]
    memberships = Memberships(now=lambda: now[0])
    memberships.add([MembershipChange(1, "ana", "p1", None), MembershipChange(1, "ana", "p2", "viewer")])
    now[0] = KEPT_S - 1
    memberships.add([MembershipChange(2, "ana", "p2", "agent")])
    assert set(memberships.of("ana")) == {"p1", "p2"}
    now[0] = KEPT_S + 1
    memberships.add([])
    assert set(memberships.of("ana")) == {"p2"}
    now[0] = 3 * KEPT_S
    memberships.add([])
    assert memberships.of("ana") == {}


async def test_a_key_that_is_being_asked_for_while_its_maker_changes_is_asked_for_again() -> None:
    asked, answered = [], asyncio.Event()

    async def resolve(digest: str) -> ResolvedKey:
        asked.append(digest)
        await answered.wait()
        return ResolvedKey(Principal(TENANT, "k", "api_key", "k", {}), None, USER)

    keys = ApiKeys(resolve)
    key = "vk_" + "0" * 8 + "_" + "0" * 64
    first = asyncio.create_task(keys.principal(key))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    keys.forget_of(USER)
    answered.set()
    await first
    assert len(keys) == 0
    await keys.principal(key)
    await keys.principal(key)
    assert len(asked) == 2
    keys.forget_of(new_id())
    assert len(keys) == 1
    keys.forget_of(USER)
    assert len(keys) == 0
