"""What is between the gateway and identity."""

from typing import Any

import pytest
from testkit.serving import a_caller
from web.works import NOBODY

THE_GATEWAY = a_caller(
    NOBODY, None, subject=NOBODY, subject_kind="system", credential_id=NOBODY, permissions=frozenset()
)
RESOLVE, WITHDRAWALS = "/internal/api-keys/resolve", "/internal/withdrawals"


@pytest.mark.parametrize("kind", ["user", "api_key", "operator"])
async def test_nobody_but_the_gateway_passes(house: Any, kind: str) -> None:
    made = await house.register()
    somebody = house.owner(made, subject_kind=kind)

    for method, path, body in (("POST", RESOLVE, {"key_hash": "0" * 64}), ("GET", WITHDRAWALS, None)):
        assert (await house.served.ask(somebody, method, path, json=body)).status_code == 403
        assert (await house.served.client.request(method, f"/api/v1{path}", json=body)).status_code == 401


async def test_the_gateway_is_no_person(house: Any) -> None:
    for path in ("/auth/profile", "/auth/api-keys"):
        assert (await house.served.ask(THE_GATEWAY, "GET", path)).status_code == 403


async def test_a_key_is_resolved_to_all_that_the_gateway_needs(house: Any) -> None:
    made = await house.register()

    facts = (await house.resolve(made["api_key"])).json()

    profile = (await house.served.ask(house.owner(made), "GET", "/auth/profile")).json()
    here = {"role": "admin", "owner": True, "permissions": profile["permissions"], "agent_id": profile["agent_id"]}
    assert facts.pop("credential_id")
    assert facts == {
        "tenant_id": made["tenant_id"],
        "user_id": made["user_id"],
        "expires_at": None,
        "project_id": made["default_project_id"],
        **here,
        "projects": [{"project_id": made["default_project_id"], **here}],
    }


async def test_withdrawals_of_all_tenants_are_told_oldest_first(house: Any) -> None:
    ana, eva = await house.register(), await house.register("eva@example.com")
    await house.served.ask(house.owner(ana), "POST", "/auth/logout", json={"all_sessions": True})
    house.pass_time(minutes=30)
    key_id = (await house.resolve(eva["api_key"])).json()["credential_id"]
    await house.served.ask(house.owner(eva), "DELETE", f"/auth/api-keys/{key_id}")

    told = (await house.served.ask(THE_GATEWAY, "GET", WITHDRAWALS)).json()

    assert [(each["kind"], each["tenant_id"], each["user_id"]) for each in told["data"]] == [
        ("sign_in", ana["tenant_id"], ana["user_id"]),
        ("api_key", eva["tenant_id"], eva["user_id"]),
    ]
    assert (told["data"][1]["id"], told["has_more"]) == (key_id, False)
    house.pass_time(minutes=31)
    assert len((await house.served.ask(THE_GATEWAY, "GET", WITHDRAWALS)).json()["data"]) == 1
    since = told["data"][0]["at"]
    assert len((await house.served.ask(THE_GATEWAY, "GET", f"{WITHDRAWALS}?since={since}")).json()["data"]) == 2
    house.pass_time(days=2)
    assert (await house.served.ask(THE_GATEWAY, "GET", f"{WITHDRAWALS}?since={since}")).status_code == 400


async def test_the_public_document_tells_permissions_and_nothing_internal(house: Any) -> None:
    from runtime.service import application

    document = application(house.served.parts, house.served.blueprint).openapi()

    paths = document["paths"]
    assert all("x-permission" in operation for path in paths.values() for operation in path.values())
    assert not [path for path in paths if "internal" in path]
    public = {
        (method.upper(), path)
        for path, operations in paths.items()
        for method, operation in operations.items()
        if operation["x-permission"] == "public"
    }
    assert public == {
        ("POST", "/api/v1/auth/register"),
        ("POST", "/api/v1/auth/invitations/accept"),
        ("POST", "/api/v1/auth/login"),
        ("POST", "/api/v1/auth/password/forgot"),
        ("POST", "/api/v1/auth/password/reset"),
        ("POST", "/api/v1/auth/refresh"),
        ("GET", "/api/v1/auth/info"),
        ("GET", "/.well-known/jwks.json"),
    }
