"""Logs of all processes, of the whole run: nothing that was told in confidence stands there. It runs last."""

import json
import secrets
from base64 import b32decode
from datetime import UTC, datetime

from confidences import HARMLESS, Confidences
from identity.domain.one_time_codes import STEP_S, code_at
from kernel.ids import new_id
from local_stack.process_table import SERVICES, programs
from mails import TOKEN, letter_to, letters
from product import Product, logs_of
from testkit.eventually import eventually
from waha_simulator.payloads import Person

ANA = Person(phone="5511987654321", lid="217000000000001", name="Ana Souza")

TOLD = {
    *("text", "content", "name", "email", "phone", "lid", "tag", "value", "expression"),
    *("password", "new_password", "refresh_token", "access_token", "api_key", "credential", "webhook_secret"),
    *("secret", "uri", "recovery_codes", "to", "mailed token", "a secret of the installation"),
}
"""The least that a run tells: where one of these is missing, the search would be for nothing."""


async def test_no_process_logs_what_it_was_told_in_confidence(product: Product) -> None:
    await converse(product)
    await sign_in_in_every_way(product)
    await product.drained()
    product.confidences.note_mails(letters(product.instance))
    logs = logs_of(product.instance)

    assert TOLD - product.confidences.fields == set()
    assert {program.name for program in programs(product.instance)} | {"postgres", "rabbitmq"} <= logs.keys()
    found = [f"{name} logs {each}" for name, log in logs.items() for each in product.confidences.found_in(log)]
    assert found == [], "\n".join(found)


async def test_every_service_logs_lines_that_programs_can_read(product: Product) -> None:
    logs = logs_of(product.instance)
    for service in SERVICES:
        for line in logs[service.name].splitlines()[-50:]:
            assert {"timestamp", "level", "event", "service"} <= set(json.loads(line)), line


def test_whatever_is_told_is_found_however_it_is_written() -> None:
    told = Confidences()
    told.note(
        "", {"text": "a line\nand “another”", "phone": "+55 11 98765-4321", "nested": [{"password": "s3same-open"}]}
    )
    told.note("from", "5511912345678@c.us")
    told.note("", {"status": "delivered", "chat_id": "0195f0a2-6f5c-7d0e-9a51-0d6f0c6b8f11", "name": "x"})

    assert told.fields == {"text", "phone", "password", "from"}
    for line in (
        json.dumps({"event": "a line\nand “another” thing"}),
        json.dumps({"event": "a line\nand “another” thing"}, ensure_ascii=False),
        "raw a line\nand “another”",
        '{"event":"refused","password":"s3same-open"}',
        "to 11912345678",
        *("key vk_0a1b2c3d_" + "0f" * 32, "Bearer eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIxIn0.c2ln", "mail ana@example.com"),
        *("551199887766554@lid", "wrote +5511999998888", "amqp://contact:secret@127.0.0.1/"),
    ):
        assert told.found_in(f"before\n{line}\nafter"), line
    fine = {
        "event": "request",
        "status": "delivered",
        "chat_id": "0195f0a2-6f5c-7d0e-9a51-0d6f0c6b8f11",
        "at": 1763798400,
    }
    assert told.found_in(json.dumps(fine)) == []
    assert not HARMLESS & TOLD


async def converse(product: Product) -> None:
    """Let customers, people and rules write, tag and name, and let some of it be refused."""
    shop = await product.shop("A discreet shop")
    rule = await shop.rule(
        "message.received",
        ("send_message", {"content": "a confidential answer for {{ contact.name }}"}),
        ("add_tag", {"tag": "insolvent debtor"}),
        name="a sensitive rule",
        expression="message.text.contains('private')",
    )
    await shop.whatsapp.writes(ANA, "a very private sentence")
    asked = next(each for each in await shop.messages(2) if each["direction"] == "inbound")
    contact = f"/crm/contacts/{asked['contact_id']}"
    await shop.ask("PUT", f"{contact}/tags/hidden-diagnosis")
    product.confidences.note("tag", "hidden-diagnosis")
    changed = await shop.ask("PATCH", contact, json={"email": "ana.private@example.com"})
    assert changed.status_code == 200, changed.text
    await shop.ask("POST", "/crm/custom-fields", json={"key": "illness", "type": "text"})
    filled = await shop.ask("PUT", f"{contact}/custom-fields/illness", json={"value": "a rare illness"})
    assert filled.status_code == 200, filled.text
    await shop.send(asked["chat_id"], "our secret offer")
    await shop.send(new_id(), "to a chat that is not there")
    for sought in ("name=a%20sought%20name", "phone=%2B5511987654321", "email=ana.private%40example.com"):
        assert (await shop.ask("GET", f"/crm/contacts?{sought}")).status_code == 200
    executions = f"/automation/rules/{rule['id']}/executions"
    await eventually(lambda: shop.all(executions), within_s=20, because="the rule ran")


async def sign_in_in_every_way(product: Product) -> None:
    """Register, sign in rightly and wrongly, refresh, use a second factor, forget the password and set another."""
    ask = product.client.request
    mail, password = f"{secrets.token_hex(6)}@example.com", secrets.token_urlsafe(18)
    account = {"name": "Ana Maria Souza", "email": mail, "password": password}
    made = await ask("POST", "/api/v1/auth/register", json=account)
    assert made.status_code == 201, made.text
    assert (await ask("POST", "/api/v1/auth/register", json=account)).status_code == 409
    by_token = {"Authorization": f"Bearer {made.json()['access_token']}"}
    fresh = await ask("POST", "/api/v1/auth/refresh", json={"refresh_token": made.json()["refresh_token"]})
    assert fresh.status_code == 200, fresh.text
    key = await ask("POST", "/api/v1/auth/api-keys", headers=by_token, json={"name": "of a test", "role": "viewer"})
    assert key.status_code == 201, key.text
    assert (await ask("DELETE", f"/api/v1/auth/api-keys/{key.json()['id']}", headers=by_token)).status_code == 204
    refused = await ask("GET", "/api/v1/auth/profile", headers={"X-API-Key": key.json()["api_key"][:-1] + "0"})
    assert refused.status_code == 401

    begun = await ask("POST", "/api/v1/auth/totp", headers=by_token, json={"password": password})
    assert begun.status_code == 201, begun.text
    code = code_at(b32decode(begun.json()["secret"]), int(datetime.now(UTC).timestamp()) // STEP_S)
    confirmed = await ask("POST", "/api/v1/auth/totp/confirm", headers=by_token, json={"code": code})
    assert confirmed.status_code == 200, confirmed.text
    recovery = {"email": mail, "password": password, "code": confirmed.json()["recovery_codes"][0]}
    assert (await ask("POST", "/api/v1/auth/login", json=recovery)).status_code == 200
    assert (
        await ask("POST", "/api/v1/auth/login", json={**recovery, "password": "wrong-" + password})
    ).status_code == 401

    await ask("POST", "/api/v1/auth/password/forgot", json={"email": mail})
    letter = await eventually(lambda: letter_to(product.instance, mail), within_s=15, because="the mail")
    assert letter is not None
    (token,) = TOKEN.findall(letter.get_content())
    for _ in range(2):
        reset = {"token": token, "new_password": secrets.token_urlsafe(18)}
        await ask("POST", "/api/v1/auth/password/reset", json=reset)
