"""The way of a member through the whole product: invited, mailed, let in, given another role, removed, refused, and back again."""

import secrets
from typing import Any

from mails import TOKEN, letters
from product import Product, log_of
from testkit.eventually import eventually

WITHIN_S = 5


def bearer(tokens: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens['access_token']}"}


async def mailed_token(product: Product, address: str, seen: set[str]) -> str:
    """Return the token of a mail that was not seen yet."""

    def look() -> str | None:
        mailed = (TOKEN.findall(each.get_content()) for each in letters(product.instance) if each["To"] == address)
        return next((token for tokens in mailed for token in tokens if token not in seen), None)

    token = await eventually(look, within_s=15, because="the mail")
    assert token is not None
    seen.add(token)
    return token


async def test_a_member_is_let_in_by_mail_and_loses_within_seconds_what_is_taken_away(product: Product) -> None:
    seen: set[str] = set()
    ana, bia = f"{secrets.token_hex(6)}@example.com", f"{secrets.token_hex(6)}@example.com"
    password = secrets.token_urlsafe(18)

    async def ask(method: str, path: str, headers: dict[str, str] | None = None, **body: Any) -> Any:
        return await product.client.request(
            method, f"/api/v1{path}", headers=headers, **({"json": body} if body else {})
        )

    async def becomes(status: int, method: str, path: str, headers: dict[str, str], **body: Any) -> None:
        async def look() -> bool:
            return bool((await ask(method, path, headers, **body)).status_code == status)

        await eventually(look, within_s=WITHIN_S, because=f"{method} {path} answers {status}")

    made = (await ask("POST", "/auth/register", name="Ana", email=ana, password=secrets.token_urlsafe(18))).json()
    owner = {"X-API-Key": made["api_key"]}
    members = f"/crm/projects/{made['default_project_id']}/members"

    # Invited as a viewer, who sees and changes nothing.
    invited = await ask("POST", members, owner, email=bia, role="readonly")
    assert invited.status_code == 201, invited.text
    own = f"{members}/{invited.json()['id']}"
    token = await mailed_token(product, bia, seen)
    accepted = await ask("POST", "/auth/invitations/accept", token=token, name="Bia", password=password)
    assert accepted.status_code == 200, accepted.text
    assert (await ask("POST", "/auth/invitations/accept", token=token, name="B", password=password)).status_code == 401
    signed_in = bearer(accepted.json())
    assert [each["email"] for each in (await ask("GET", members, signed_in)).json()["data"]] == [ana, bia]
    assert (await ask("POST", "/crm/contacts", signed_in, name="Carla")).status_code == 403
    assert (await ask("PATCH", own, signed_in, role="admin")).status_code == 403

    # Made an agent: the token in hand says otherwise, and is not asked.
    assert (await ask("PATCH", own, owner, role="agent")).status_code == 200
    await becomes(201, "POST", "/crm/contacts", signed_in, name="Carla")
    key = await ask("POST", "/auth/api-keys", signed_in, name="mine")
    by_key = {"X-API-Key": key.json()["api_key"]}
    assert (await ask("POST", "/crm/contacts", by_key, name="Edu")).status_code == 201

    # A viewer again: token and key lose it within seconds.
    assert (await ask("PATCH", own, owner, role="viewer")).status_code == 200
    for headers in (signed_in, by_key):
        await becomes(403, "POST", "/crm/contacts", headers, name="Fabio")
        assert (await ask("GET", "/crm/contacts", headers)).status_code == 200

    # Removed: signed out, and a fresh sign-in opens nothing.
    assert (await ask("DELETE", own, owner)).status_code == 204
    await becomes(401, "GET", "/crm/contacts", signed_in)
    await becomes(403, "GET", "/crm/contacts", by_key)
    refreshed = await ask("POST", "/auth/refresh", refresh_token=accepted.json()["refresh_token"])
    assert refreshed.status_code == 401
    outside = await ask("POST", "/auth/login", email=bia, password=password)
    assert (outside.status_code, outside.json()["role"]) == (200, None)
    outsider = bearer(outside.json())
    assert (await ask("GET", "/crm/contacts", outsider)).status_code == 403
    assert (await ask("GET", members, outsider)).status_code == 404

    # Invited again: whoever has an account accepts signed in, and the sign-in that was there opens the project.
    assert (await ask("POST", members, owner, email=bia, role="agent")).status_code == 201
    token = await mailed_token(product, bia, seen)
    assert (await ask("POST", "/auth/invitations/accept", token=token, name="B", password=password)).status_code == 409
    assert (await ask("POST", "/auth/invitations/accept", outsider, token=token)).status_code == 200
    await becomes(200, "GET", "/crm/contacts", outsider)
    await becomes(201, "POST", "/crm/contacts", by_key, name="Gil")

    printed = log_of(product.instance, "identity") + log_of(product.instance, "api-gateway")
    assert not [each for each in (ana, bia, password, *seen) if each in printed]
