"""Registering: everything or nothing, once per e-mail address."""

import asyncio
from typing import Any

TABLES = (
    "tenants",
    "users",
    "tenant_members",
    "projects",
    "project_members",
    "agents",
    "api_keys",
    "sign_ins",
    "refresh_tokens",
)
BODY = {"name": "Ana Lima", "email": "ana@example.com", "password": "um cavalo bebe chá frio"}


async def counts(house: Any) -> dict[str, int]:
    return {table: await house.rows(table) for table in TABLES}


async def test_a_registration_makes_one_of_each_and_says_so(house: Any) -> None:
    made = await house.register(company="Padaria São João", language="pt-BR")

    assert await counts(house) == dict.fromkeys(TABLES, 1)
    assert len(await house.said()) == 5
    assert (made["role"], made["owner"], made["token_type"], made["expires_in"]) == ("admin", True, "Bearer", 900)
    assert made["api_key"].startswith("vk_")
    said = await house.served.said()
    assert [event.type for event in said] == [
        "identity.tenant_created.v1",
        "identity.user_registered.v1",
        "identity.project_created.v1",
        "agent.created.v1",
        "identity.api_key_created.v1",
    ]
    tenant, user, project, agent, key = said
    assert (tenant.data.name, tenant.data.slug, tenant.data.owner_email) == (
        "Padaria São João",
        "padaria-sao-joao",
        "ana@example.com",
    )
    assert (project.data.name, project.data.is_default) == ("Projeto Principal", True)
    assert project.data.default_pipeline_id == made["default_pipeline_id"]
    assert (agent.data.type, agent.data.user_id) == ("human", made["user_id"])
    assert (user.data.email, key.data.role) == ("ana@example.com", "admin")
    assert {event.tenantid for event in said} == {made["tenant_id"]}
    assert {event.actor for event in said} == {f"user:{made['user_id']}"}
    assert len({event.correlationid for event in said}) == 1


async def test_a_known_address_is_refused_and_nothing_changes(house: Any) -> None:
    first = await house.register()
    before = await counts(house)

    again = await house.post(
        "/auth/register", {"name": "Eva", "email": " ANA@example.com ", "password": "outra senha muito longa"}
    )

    assert (again.status_code, again.json()["code"]) == (409, "already_exists")
    assert "vk_" not in again.text and "token" not in again.text
    assert await counts(house) == before
    assert (await house.log_in()).status_code == 200
    assert (await house.log_in(password="outra senha muito longa")).status_code == 401
    assert (await house.resolve(first["api_key"])).status_code == 200


async def test_ten_at_once_with_one_address_make_one_account(house: Any) -> None:
    answers = await asyncio.gather(*(house.post("/auth/register", BODY) for _ in range(6)))

    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409, 409]
    assert (await counts(house))["tenants"] == 1


async def test_two_companies_of_one_name_get_different_slugs(house: Any) -> None:
    await house.register("a@example.com", company="Padaria")
    await house.register("b@example.com", company="Padaria")

    slugs = await house.served.administrator.fetch("select slug from identity.tenants order by created_at, id")
    assert slugs[0]["slug"] == "padaria"
    assert slugs[1]["slug"].startswith("padaria-")


REFUSED: tuple[tuple[dict[str, Any], str, str], ...] = (
    ({"tenant_id": "0195f0a2-6f5c-7d0e-9a51-0d6f0c6b8f10"}, "/tenant_id", "unknown_field"),
    ({"owner": True}, "/owner", "unknown_field"),
    ({"role": "viewer"}, "/role", "not_in_enum"),
    ({"email": "ana"}, "/email", "bad_format"),
    ({"email": "ana@localhost"}, "/email", "bad_format"),
    ({"name": "  "}, "/name", "too_short"),
    ({"password": "short"}, "/password", "too_short"),
    ({"password": "x" * 129}, "/password", "too_long"),
    ({"password": "Password12345"}, "/password", "not_allowed"),
    ({"password": "ana@example.com"}, "/password", "not_allowed"),
    ({"timezone": "Mars/Olympus"}, "/timezone", "bad_format"),
    ({"language": "Portuguese"}, "/language", "bad_format"),
)


async def test_what_cannot_be_is_refused_by_field(house: Any) -> None:
    for change, pointer, code in REFUSED:
        answer = await house.post("/auth/register", {**BODY, **change})
        assert answer.status_code == 400, change
        assert [(each["pointer"], each["code"]) for each in answer.json()["errors"]] == [(pointer, code)]
    assert (await counts(house))["tenants"] == 0


async def test_asking_for_the_role_admin_changes_nothing(house: Any) -> None:
    made = await house.register(role="admin")

    assert made["owner"] is True
    assert (await counts(house))["tenants"] == 1


async def test_a_repeated_registration_with_its_key_is_answered_again_and_kept_encrypted(house: Any) -> None:
    first = await house.post("/auth/register", BODY, **{"Idempotency-Key": "r-1"})
    second = await house.post("/auth/register", BODY, **{"Idempotency-Key": "r-1"})

    assert (first.status_code, second.status_code) == (201, 201)
    assert second.headers["Idempotent-Replayed"] == "true"
    assert first.json() == second.json()
    kept = await house.served.administrator.fetchval("select body from identity.idempotency_keys")
    assert first.json()["api_key"].encode() not in kept
    assert (await counts(house))["tenants"] == 1
