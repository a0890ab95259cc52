"""The ready-made routes over the parked events of a service, with the real store."""

import json

import pytest
from contracts.reading import Unreadable
from kernel.errors import DomainError
from kernel.ids import new_id
from outbox.parked import Parked, ParkedEvents, park
from outbox.said import events_said
from web.parked_events import parked_event_routes

ADDRESS = "/api/v1/parked-events/toy"


async def park_some(toy_works, tenant_id: str, count: int = 1, **more) -> None:
    async with toy_works.begin([tenant_id]) as work:
        items = []
        for number in range(count):
            facts = {
                "reason": "invalid",
                "error": "phone: missing",
                "body": b'{"id": 1}',
                "event_id": new_id(),
                "event_type": f"contact.created.v{number + 1}",
                "tenant_id": tenant_id,
                "project_id": None,
                "subject": "s",
                "traceparent": None,
            }
            items.append(Parked("contact_created", Unreadable(**{**facts, **more})))
        await park(work.connection, items, new_id)


@pytest.fixture
def parked_toy(make_toy, toy_works):
    """A service whose consumer applies everything but poison."""

    async def redrive(row, work) -> None:
        if row["reason"] == "poison":
            raise DomainError("rule_violated", "again")

    return make_toy(parked_event_routes(ParkedEvents(toy_works, "toy", {"contact_created": redrive})), works=toy_works)


async def test_people_see_what_was_parked_and_why(parked_toy, toy_works, caller_with) -> None:
    caller = caller_with("admin")
    await park_some(toy_works, caller.tenant_id, 3)
    async with parked_toy.client(caller) as client:
        body = (await client.get(ADDRESS, params={"limit": 2, "include": "total_count"})).json()
        assert (len(body["data"]), body["has_more"], body["total_count"]) == (2, True, 3)
        first = body["data"][0]
        assert first | {
            "service": "toy", "consumer": "contact_created", "reason": "invalid", "status": "parked", "attempts": 1,
        } == first  # fmt: skip
        assert first["event_version"] in (1, 2, 3) and "event" not in first
        rest = (await client.get(ADDRESS, params={"limit": 2, "cursor": body["next_cursor"]})).json()
        assert len(rest["data"]) == 1
        for query, count in (
            ({"reason": "invalid,poison"}, 3),
            ({"reason": "poison"}, 0),
            ({"type": first["event_type"]}, 1),
            ({"status": "discarded,redriven"}, 0),
            ({"consumer": "contact_created", "subject": "s"}, 3),
            ({"parked_after": first["parked_at"]}, 3),
            ({"parked_before": "2020-01-01T00:00:00Z"}, 0),
            ({"delivery_id": new_id()}, 0),
        ):
            answer = await client.get(ADDRESS, params=query)
            assert answer.status_code == 200, answer.text
            if "parked_after" not in query:
                assert len(answer.json()["data"]) == count, query
        one = (await client.get(f"{ADDRESS}/{first['id']}")).json()
        assert one["event"] == {"id": 1} and one["id"] == first["id"]
        waiting = (await client.get(f"{ADDRESS}/waiting")).json()
        assert (waiting["service"], waiting["count"]) == ("toy", 3)


async def test_bytes_that_are_no_json_are_shown_as_base64(parked_toy, toy_works, caller_with) -> None:
    caller = caller_with("admin")
    await park_some(toy_works, caller.tenant_id, body=b"\xff\x00")
    async with parked_toy.client(caller) as client:
        (row,) = (await client.get(ADDRESS)).json()["data"]
        assert json.loads((await client.get(f"{ADDRESS}/{row['id']}")).content)["event"] == {"base64": "/wA="}


async def test_an_event_is_redriven_once(parked_toy, toy_works, caller_with) -> None:
    caller = caller_with("admin")
    await park_some(toy_works, caller.tenant_id)
    async with parked_toy.client(caller) as client:
        (row,) = (await client.get(ADDRESS)).json()["data"]
        keyed = [
            await client.post(f"{ADDRESS}/{row['id']}/redrive", headers={"Idempotency-Key": "a"}) for _ in range(2)
        ]
        assert [answer.status_code for answer in keyed] == [200, 200]
        assert keyed[0].json()["status"] == "redriven" and keyed[1].headers["idempotent-replayed"] == "true"
        again = await client.post(f"{ADDRESS}/{row['id']}/redrive")
        assert (again.status_code, again.json()["code"], again.json()["current_state"]) == (
            409,
            "invalid_state",
            "redriven",
        )
    assert await actions(toy_works, caller) == ["redrive_parked_event"]


async def actions(works, caller) -> list[str]:
    """Return what a tenant's part of the audit log was told."""
    async with works.begin([caller.tenant_id]) as work:
        return [
            json.loads(each)["data"]["action"]
            for each in await events_said(work.connection, "toy", "audit.recorded.v1")
        ]


async def test_what_fails_again_stays_parked(parked_toy, toy_works, caller_with) -> None:
    caller = caller_with("admin")
    await park_some(toy_works, caller.tenant_id, reason="poison")
    async with parked_toy.client(caller) as client:
        (row,) = (await client.get(ADDRESS)).json()["data"]
        assert (await client.post(f"{ADDRESS}/{row['id']}/redrive")).status_code == 422
        after = (await client.get(f"{ADDRESS}/{row['id']}")).json()
        assert (after["status"], after["attempts"]) == ("parked", 2)
    assert await actions(toy_works, caller) == []


async def test_discarding_needs_a_reason_and_is_kept(parked_toy, toy_works, caller_with) -> None:
    caller = caller_with("admin")
    await park_some(toy_works, caller.tenant_id)
    async with parked_toy.client(caller) as client:
        (row,) = (await client.get(ADDRESS)).json()["data"]
        for body, code in (({}, "missing"), ({"reason": ""}, "too_short"), ({"reason": "x" * 501}, "too_long")):
            refused = await client.post(f"{ADDRESS}/{row['id']}/discard", json=body)
            assert (refused.status_code, refused.json()["errors"][0]["code"]) == (400, code)
        done = await client.post(f"{ADDRESS}/{row['id']}/discard", json={"reason": "a test"})
        assert done.status_code == 200
        assert (done.json()["status"], done.json()["discarded_by"], done.json()["discard_reason"]) == (
            "discarded", caller.subject, "a test",
        )  # fmt: skip
        assert (await client.post(f"{ADDRESS}/{row['id']}/discard", json={"reason": "a"})).status_code == 409


async def test_parked_events_are_for_those_who_manage_settings_of_that_tenant(
    parked_toy, toy_works, caller_with
) -> None:
    caller = caller_with("admin")
    await park_some(toy_works, caller.tenant_id)
    async with parked_toy.client(caller) as client:
        (row,) = (await client.get(ADDRESS)).json()["data"]
    async with parked_toy.client(caller_with("admin")) as client:
        assert (await client.get(ADDRESS)).json()["data"] == []
        for method, path in (("GET", ""), ("POST", "/redrive"), ("POST", "/discard")):
            body = {"reason": "x"} if path == "/discard" else None
            answer = await client.request(method, f"{ADDRESS}/{row['id']}{path}", json=body)
            assert answer.status_code == 404, path
    async with parked_toy.client(caller_with("supervisor", tenant_id=caller.tenant_id)) as client:
        assert (await client.get(ADDRESS)).status_code == 403
