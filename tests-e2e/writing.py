"""Every operation of the product that writes, each called once, with something that succeeds."""

import re
import secrets
import time
from base64 import b32decode
from dataclasses import dataclass, field
from typing import Any

from identity.domain.one_time_codes import STEP_S, code_at
from kernel.ids import new_id
from local_stack.process_table import url
from mails import TOKEN, letter_to
from product import Product, Tenant
from testkit.eventually import eventually


@dataclass
class Writer:
    """Calls operations by their template, and remembers which; `as_whom` are its headers."""

    product: Product
    as_whom: dict[str, str]
    done: list[str] = field(default_factory=list)

    async def __call__(self, operation: str, body: Any = None, *, query: str = "", **places: str) -> Any:
        """Call an operation; return what it answered."""
        method, path = operation.split(" ")
        place = re.sub(r"{(\w+)}", lambda found: places[found[1]], path)
        more = {} if body is None else {"json": body}
        answer = await self.product.client.request(method, f"/api/v1{place}{query}", headers=self.as_whom, **more)
        assert answer.status_code < 300, f"{operation}: {answer.status_code} {answer.text}"
        self.done.append(operation)
        return answer.json() if answer.content else {}


async def write_everything(product: Product, tenant: Tenant, ids: dict[str, str]) -> tuple[list[str], Tenant]:
    """Call everything that writes: as a tenant that has something of all, and as a person who signs in, whose tenant is returned too."""
    write = Writer(product, {"X-API-Key": tenant.api_key})
    contact_id = await _contacts(write)
    await _pipelines(write, contact_id)
    await _rules(write, tenant)
    await _sending(write, tenant, ids)
    await _channels(write, tenant)
    await _agents(write)
    await write("POST /crm/sessions/{session_id}/close", {"reason": "resolved"}, session_id=ids["session_id"])
    await _parked(write, tenant)
    key = await write("POST /auth/api-keys", {"name": "short-lived"})
    await write("DELETE /auth/api-keys/{api_key_id}", api_key_id=key["id"])
    await write("DELETE /crm/contacts/{contact_id}", contact_id=contact_id)
    person, done = await _credentials(product)
    return [*write.done, *done], person


async def _contacts(write: Writer) -> str:
    contact_id: str = (await write("POST /crm/contacts", {"name": "Bia"}))["id"]
    on, key = {"contact_id": contact_id}, {"key": "size"}
    await write("PATCH /crm/contacts/{contact_id}", {"name": "Bia Reis"}, **on)
    await write("PUT /crm/contacts/{contact_id}/tags/{tag}", **on, tag="new")
    await write("DELETE /crm/contacts/{contact_id}/tags/{tag}", **on, tag="new")
    await write("POST /crm/contacts/bulk-tags", {"contact_ids": [contact_id], "add": ["many"]})
    await write("POST /crm/custom-fields", {**key, "type": "text"})
    await write("PATCH /crm/custom-fields/{key}", {"label": "Size of shoes"}, **key)
    await write("PUT /crm/contacts/{contact_id}/custom-fields/{key}", {"value": "42"}, **on, **key)
    await write("DELETE /crm/contacts/{contact_id}/custom-fields/{key}", **on, **key)
    await write("DELETE /crm/custom-fields/{key}", **key)
    return contact_id


async def _pipelines(write: Writer, contact_id: str) -> None:
    pipeline = await write("POST /crm/pipelines", {"name": "Second"})
    on = {"pipeline_id": pipeline["id"]}
    await write("PATCH /crm/pipelines/{pipeline_id}", {"description": "more"}, **on)
    status = await write("POST /crm/pipelines/{pipeline_id}/statuses", {"name": "Later", "status_type": "open"}, **on)
    one = {**on, "status_id": status["id"]}
    await write("PATCH /crm/pipelines/{pipeline_id}/statuses/{status_id}", {"name": "Much later"}, **one)
    order = [status["id"], *(each["id"] for each in pipeline["statuses"])]
    await write("PUT /crm/pipelines/{pipeline_id}/statuses/order", {"status_ids": order}, **on)
    await write("PATCH /crm/contacts/{contact_id}/pipeline-status", one, contact_id=contact_id)
    there = {"contact_ids": [contact_id], "status_id": pipeline["statuses"][0]["id"]}
    await write("POST /crm/pipelines/{pipeline_id}/contacts/move", there, **on)
    taken_out = f"?pipeline_id={pipeline['id']}"
    await write("DELETE /crm/contacts/{contact_id}/pipeline-status", query=taken_out, contact_id=contact_id)
    await write("DELETE /crm/pipelines/{pipeline_id}/statuses/{status_id}", **one)
    await write("DELETE /crm/pipelines/{pipeline_id}", **on)


async def _rules(write: Writer, tenant: Tenant) -> None:
    step = {"action": "add_tag", "parameters": {"tag": "x"}}
    body = {"automation_type": "event", "name": "watched", "trigger": "contact.created", "actions": [step]}
    on = {"rule_id": (await write("POST /automation/rules", body))["id"]}
    await write("PATCH /automation/rules/{rule_id}", {"description": "more"}, **on)
    await write("POST /automation/rules/{rule_id}/disable", **on)
    await write("POST /automation/rules/{rule_id}/enable", **on)
    await write("POST /automation/rules/{rule_id}/duplicate", {}, **on)
    rules = [each["id"] for each in await tenant.all("/automation/rules")]
    await write("POST /automation/rules/reorder", {"rule_ids": rules})
    await write("POST /automation/rules/{rule_id}/dry-run", {"last": 1}, **on)
    await write("DELETE /automation/rules/{rule_id}", **on)


async def _sending(write: Writer, tenant: Tenant, ids: dict[str, str]) -> None:
    """What is withdrawn or given up at once is still queued: whether it left is heard of later."""
    on, chat = {"channel_id": tenant.channel_id}, {"chat_id": ids["chat_id"]}
    sent = await write("POST /crm/messages", {**chat, "content_type": "text", "text": "one"})
    await write("POST /crm/messages/{message_id}/cancel", message_id=sent["message_id"])
    # Called twice, as the other message is what can be tried again.
    other = await write("POST /crm/messages", {**chat, "content_type": "text", "text": "two"})
    failed = {"status": "failed", "failure_reason": "no one came"}
    await write("POST /crm/messages/{message_id}/mark-delivered", failed, message_id=other["message_id"])
    await write("POST /crm/messages/{message_id}/retry", message_id=other["message_id"])
    await write("POST /crm/channels/{channel_id}/deactivate", **on)
    await write("POST /crm/channels/{channel_id}/activate", {}, **on)

    async def works() -> bool:
        return bool((await tenant.ask("GET", f"/crm/channels/{tenant.channel_id}")).json()["status"] == "active")

    await eventually(works, within_s=30, because="the channel works")


async def _channels(write: Writer, tenant: Tenant) -> None:
    product = write.product
    waha = {
        "base_url": url(product.instance, "simulator"),
        "api_key": product.instance.secrets["waha_api_key"],
        "session_id": f"s{secrets.token_hex(4)}",
    }
    made = await write("POST /crm/channels", {"name": "Second", "type": "waha", "waha_config": waha})
    await write("PATCH /crm/channels/{channel_id}", {"name": "Third"}, channel_id=made["id"])
    await write("POST /crm/channels/{channel_id}/configure-webhook", channel_id=tenant.channel_id)
    await write("DELETE /crm/channels/{channel_id}", channel_id=made["id"])


async def _agents(write: Writer) -> None:
    made = await write("POST /crm/agents", {"name": "Greeter bot", "type": "bot"})
    on = {"agent_id": made["id"]}
    await write("PATCH /crm/agents/{agent_id}", {"skills": ["origami"]}, **on)
    await write("PUT /crm/agents/{agent_id}/status", {"status": "available"}, **on)
    await write("DELETE /crm/agents/{agent_id}", **on)
    past = {"represents_person_name": "Davi Nunes", "period_start": "2025-01-01T00:00:00Z", "reason": "imported"}
    stands_in = await write("POST /crm/agents/virtual", past)
    end = {"period_end": "2025-06-30T00:00:00Z"}
    await write("PUT /crm/agents/{agent_id}/virtual/end-period", end, agent_id=stands_in["id"])


async def _parked(write: Writer, tenant: Tenant) -> None:
    """Events that nobody could apply, planted in each service."""
    connection = await write.product.superuser()
    try:
        schemas = [
            row["nspname"]
            for row in await connection.fetch(
                "select n.nspname from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relname = 'parked_events'"
            )
        ]
        for schema in schemas:
            parked_id = new_id()
            await connection.execute(
                f"insert into {schema}.parked_events (id, tenant_id, consumer, event_id, reason, error, event)"
                " values ($1, $2, 'nobody', $1, 'invalid', 'planted', '\\x7b7d')",
                parked_id,
                tenant.tenant_id,
            )
            operation = f"POST /parked-events/{schema.replace('_', '-')}/{{parked_event_id}}/discard"
            await write(operation, {"reason": "planted"}, parked_event_id=parked_id)
    finally:
        await connection.close()


async def _projects(write: Writer, project_id: str) -> None:
    await write("PATCH /crm/projects/{project_id}", {"name": "First"}, project_id=project_id)
    made = await write("POST /crm/projects", {"name": "Second"})
    path, headers = f"/api/v1/crm/projects/{made['id']}", write.as_whom

    async def open_to_the_token() -> bool:
        return (await write.product.client.get(path, headers=headers)).status_code == 200

    await eventually(open_to_the_token, within_s=5, because="the token opens the new project")
    await write("DELETE /crm/projects/{project_id}", project_id=made["id"])


async def _members(write: Writer, project_id: str) -> None:
    email = f"{secrets.token_hex(6)}@example.com"
    asked = {"email": email, "role": "viewer"}
    invited = await write("POST /crm/projects/{project_id}/members", asked, project_id=project_id)
    stranger = Writer(write.product, {})
    body = {"token": await mailed_token(write.product, email), "name": "Bia", "password": secrets.token_urlsafe(18)}
    await stranger("POST /auth/invitations/accept", body)
    write.done += stranger.done
    on = {"project_id": project_id, "member_id": invited["id"]}
    await write("PATCH /crm/projects/{project_id}/members/{member_id}", {"role": "agent"}, **on)
    await write("DELETE /crm/projects/{project_id}/members/{member_id}", **on)


async def mailed_token(product: Product, email: str) -> str:
    """Return the token of the newest mail to somebody."""
    letter = await eventually(lambda: letter_to(product.instance, email), within_s=15, because="the mail")
    assert letter is not None
    (token,) = TOKEN.findall(letter.get_content())
    return str(token)


async def _credentials(product: Product) -> tuple[Tenant, list[str]]:
    """Register somebody, who signs in, changes and forgets their password; return their tenant, without a channel."""
    write = Writer(product, {})
    email, old, new, third = (f"{secrets.token_hex(6)}@example.com", *(secrets.token_urlsafe(18) for _ in range(3)))
    made = await write("POST /auth/register", {"name": "Caio", "email": email, "password": old})
    person = Tenant(product.client, made["tenant_id"], made["api_key"], "", "", "", "", None)  # type: ignore[arg-type]
    tokens = await write("POST /auth/login", {"email": email, "password": old})
    tokens = await write("POST /auth/refresh", {"refresh_token": tokens["refresh_token"]})
    write.as_whom = {"Authorization": f"Bearer {tokens['access_token']}"}
    await write("PATCH /auth/profile", {"name": "Caio Reis"})
    await _projects(write, made["default_project_id"])
    await _members(write, made["default_project_id"])
    secret = b32decode((await write("POST /auth/totp", {"password": old}))["secret"])
    step = int(time.time()) // STEP_S
    await write("POST /auth/totp/confirm", {"code": code_at(secret, step)})
    await write("POST /auth/totp/end", {"password": old, "code": code_at(secret, step + 1)})
    await write("POST /auth/password", {"current_password": old, "new_password": new})
    await write("POST /auth/logout")
    write.as_whom = {}
    await write("POST /auth/password/forgot", {"email": email})
    token = await mailed_token(product, email)
    await write("POST /auth/password/reset", {"token": token, "new_password": third})
    return person, write.done
