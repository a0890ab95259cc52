"""What identity says is what the contracts describe: each event is valid against its committed schema."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

import contracts

PASSWORD = "um cavalo bebe chá frio"

SAYS = (
    "agent.activated.v1",
    "agent.created.v1",
    "agent.deactivated.v1",
    "agent.deleted.v1",
    "agent.status_changed.v1",
    "agent.updated.v1",
    "identity.api_key_created.v1",
    "identity.api_key_revoked.v1",
    "identity.password_changed.v1",
    "identity.project_activated.v1",
    "identity.project_created.v1",
    "identity.project_deactivated.v1",
    "identity.project_deleted.v1",
    "identity.project_updated.v1",
    "identity.sign_in_revoked.v1",
    "identity.tenant_created.v1",
    "identity.user_registered.v1",
    "identity.user_updated.v1",
    "project_member.invited.v1",
    "project_member.joined.v1",
    "project_member.removed.v1",
    "project_member.role_changed.v1",
)


async def test_every_event_is_valid_against_its_schema(house: Any) -> None:
    made = await house.register()
    owner = house.owner(made)
    key_id = (await house.resolve(made["api_key"])).json()["credential_id"]
    assert (await house.served.ask(owner, "DELETE", f"/auth/api-keys/{key_id}")).status_code == 204
    assert (await house.served.ask(owner, "POST", "/auth/logout", json={"all_sessions": True})).status_code == 204

    assert (await house.served.ask(owner, "PATCH", "/auth/profile", json={"name": "Ana"})).status_code == 200
    body = {"current_password": PASSWORD, "new_password": "sete barcos sem nenhum remo"}
    assert (await house.served.ask(owner, "POST", "/auth/password", json=body)).status_code == 204

    member_id, _ = await house.joined(owner, "bia@example.com", "agent")
    member = f"/crm/projects/{owner.project_id}/members/{member_id}"
    for role in ("viewer", "supervisor"):
        assert (await house.served.ask(owner, "PATCH", member, json={"role": role})).status_code == 200
    assert (await house.served.ask(owner, "DELETE", member)).status_code == 204

    bot = (await house.served.ask(owner, "POST", "/crm/agents", json={"name": "Bot", "type": "bot"})).json()
    agent = f"/crm/agents/{bot['id']}"
    assert (await house.served.ask(owner, "PATCH", agent, json={"skills": ["sales"]})).status_code == 200
    assert (await house.served.ask(owner, "PUT", f"{agent}/status", json={"status": "busy"})).status_code == 200
    assert (await house.served.ask(owner, "DELETE", agent)).status_code == 204

    second = await house.served.ask(owner, "POST", "/crm/projects", json={"name": "Second"})
    there = replace(owner, project_id=second.json()["id"])
    for change in ({"name": "Third"}, {"active": False}, {"active": True}):
        path = f"/crm/projects/{there.project_id}"
        assert (await house.served.ask(there, "PATCH", path, json=change)).status_code == 200
    assert (await house.served.ask(there, "DELETE", path)).status_code == 204

    said = await house.served.said()

    assert {event.type for event in said} == set(SAYS)
    for event in said:
        Draft202012Validator(schema_of(event.type)).validate(json.loads(msgspec.json.encode(event.data)))
        assert event.source == "identity"
        assert event.partitionkey == event.subject


def schema_of(name: str) -> dict[str, Any]:
    folder = Path(contracts.__file__).parents[2] / "schemas"
    found = list(folder.rglob(f"{name}*.json"))
    if not found:
        pytest.fail(f"no schema of {name} in {folder}")
    schema: dict[str, Any] = json.loads(found[0].read_text())
    return schema
