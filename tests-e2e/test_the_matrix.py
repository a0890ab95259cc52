"""Every operation of the running product, called by everybody: who is let in, who is not, and that nothing changes where not.

Whoever should be refused asks with ids that exist and bodies that would do something; whoever should be let in with ids of nothing.
"""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from furnishing import body_for, furnished, snapshot
from identity.adapters.signed_access_tokens import SignedAccessTokens
from identity.domain.account import Membership, User
from identity.domain.lifetimes import Lifetimes
from kernel.ids import new_id
from local_stack.process_table import url
from product import Product, Tenant
from testkit.eventually import eventually
from who_may import MAY_SIGN_IN, PUBLIC, WHO, who_may

ROLES = ("viewer", "agent", "supervisor", "admin")
STRANGERS = ("another tenant's admin", "a key of another project")
WITHDRAWN = ("a revoked key", "an expired token")
AT_ONCE = 8

Ids = Mapping[str, str]


@dataclass(frozen=True)
class Asked:
    """One operation as one caller asks for it, and what came of it."""

    who: str
    name: str
    answer: httpx.Response

    def __str__(self) -> str:
        return f"{self.name} by {self.who}: {self.answer.status_code} {self.answer.text[:200]}"


async def test_each_operation_lets_in_whom_it_should_and_changes_nothing_for_the_others(product: Product) -> None:
    (one, ids), (other, _) = await asyncio.gather(furnished(product, "one"), furnished(product, "other"))
    operations = await operations_of(product)
    assert [name for name in operations if who_may(*name.split(" ")) is None] == [], "nobody wrote down who may"
    credentials = await callers(product, one, other)
    await product.drained()
    before = await standing(product, one)

    asked = await ask_all(product, operations, credentials, {**ids, "parked_event_id": ids["message_id"]})

    assert [str(each) for each in asked if not as_it_should_be(each)] == []
    assert {(each.who, each.name) for each in asked} == {(who, name) for who in credentials for name in operations}
    assert [str(each) for each in asked if each.who in STRANGERS and tells(each, one, ids)] == []
    await product.drained()
    assert await standing(product, one) == before


async def operations_of(product: Product) -> list[str]:
    """Return every operation that the product says it has, as `METHOD /path`."""
    document = (await product.client.get("/openapi.json")).json()
    found = [f"{method.upper()} {path}" for path, operations in document["paths"].items() for method in operations]
    assert len(found) > 100
    return found


async def callers(product: Product, one: Tenant, other: Tenant) -> dict[str, dict[str, str]]:
    """Return the headers of everybody; a fresh token is among them, so that only its age can be what refuses the other."""
    profile = (await one.ask("GET", "/auth/profile")).json()
    second = await another_project(one)
    fresh, old = [
        {"Authorization": f"Bearer {token_of(product, profile, second, datetime.now(UTC) - age)}"}
        for age in (timedelta(), timedelta(minutes=15, seconds=31))
    ]
    of_one = {role: await made_key(product, fresh, role=role) for role in ROLES}
    revoked = await made_key(product, fresh, role="admin")
    elsewhere = await made_key(product, fresh, role="admin", project_id=second)
    of_other = await made_key(product, {"X-API-Key": other.api_key}, role="admin")
    assert (await one.ask("DELETE", f"/auth/api-keys/{revoked['id']}")).status_code == 204
    headers = {
        "nobody": {},
        **{role: {"X-API-Key": key["api_key"]} for role, key in of_one.items()},
        "owner": {"X-API-Key": one.api_key},
        "owner by token": fresh,
        "another tenant's admin": {"X-API-Key": of_other["api_key"]},
        "a key of another project": {"X-API-Key": elsewhere["api_key"]},
        "a revoked key": {"X-API-Key": revoked["api_key"]},
        "an expired token": old,
    }

    async def withdrawn() -> bool:
        answer = await product.client.get("/api/v1/auth/profile", headers=headers["a revoked key"])
        return answer.status_code == 401

    await eventually(withdrawn, within_s=5, because="the key is revoked")
    return headers


async def made_key(product: Product, headers: dict[str, str], **more: Any) -> dict[str, Any]:
    """Return a fresh API key of whoever asks."""
    answer = await product.client.post("/api/v1/auth/api-keys", headers=headers, json={"name": "matrix", **more})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def another_project(tenant: Tenant) -> str:
    """Give a tenant a second project."""
    made = await tenant.ask("POST", "/crm/projects", json={"name": "Second"})
    assert made.status_code == 201, made.text
    project_id: str = made.json()["id"]
    return project_id


def token_of(product: Product, profile: dict[str, Any], second: str, at: datetime) -> str:
    """Return an access token as identity would have signed it at a moment."""
    signer = SignedAccessTokens(
        product.instance.secrets["jwt_private_key"], url(product.instance, "gateway"), Lifetimes()
    )
    user = User(
        profile["tenant_id"],
        profile["user_id"],
        profile["name"],
        profile["email"],
        profile["language"],
        profile["timezone"],
        owner=True,
        active=True,
    )
    projects = [Membership(each["project_id"], each["name"], each["role"], True, None) for each in profile["projects"]]
    projects.append(Membership(second, "Second", "admin", False, None))
    return signer.issue(user, projects, projects[0], new_id(), new_id(), at)


async def ask_all(
    product: Product, operations: list[str], credentials: Mapping[str, dict[str, str]], ids: Ids
) -> list[Asked]:
    """Ask everything as everybody, some at once."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def ask(who: str, name: str) -> Asked:
        method, path = name.split(" ")
        short = path.removeprefix("/api/v1")
        harmless = who_is(who) in (who_may(method, path) or ()) and who not in (*STRANGERS, *WITHDRAWN)
        harmless |= is_own(who, path)
        body = {} if harmless else body_for(method.lower(), short, dict(ids), dict(ids))
        place = re.sub(r"{(\w+)}", lambda found: new_id() if harmless else ids.get(found[1], new_id()), path)
        more: dict[str, Any] = {} if method in ("GET", "DELETE") else {"json": body}
        async with turns:
            return Asked(who, name, await product.client.request(method, place, headers=credentials[who], **more))

    return list(await asyncio.gather(*(ask(who, name) for name in operations for who in credentials)))


def who_is(who: str) -> str:
    """Return which of the rules' people a caller is."""
    return {"owner by token": "owner"}.get(who, "admin" if who in STRANGERS else who)


def is_own(who: str, path: str) -> bool:
    """Tell whether a stranger's key is no stranger there: its maker's sign-ins and keys are of no project."""
    return who == "a key of another project" and "/api/v1/auth/" in path


def as_it_should_be(asked: Asked) -> bool:
    """Tell whether that is the answer which the rules ask for."""
    status, allowed = asked.answer.status_code, who_may(*asked.name.split(" ")) or ()
    let_in = status not in (401, 403) and (status < 500 or asked.name in PUBLIC)  # /ready may say 503
    if asked.name in PUBLIC:
        return let_in if asked.name not in MAY_SIGN_IN or asked.who not in WITHDRAWN else status == 401
    if asked.who in WITHDRAWN or asked.who == "nobody":
        return status == 401
    if who_is(asked.who) not in allowed:
        # A project that is not theirs is not there, whatever they might do in their own.
        return status == 403 or (asked.who in STRANGERS and "{project_id}" in asked.name and status == 404)
    if asked.who in STRANGERS and "{" in asked.name and not is_own(asked.who, asked.name):
        # What is not theirs is not there. A body may be looked at before.
        return status in (400, 404, 422) or "not_found" in asked.answer.text
    return let_in


def tells(asked: Asked, tenant: Tenant, ids: Ids) -> bool:
    """Tell whether a stranger learns of anything.

    A key of another project knows its own tenant, which has one account, and reads in the audit log by whose key its project was made.
    """
    secret = {tenant.tenant_id, *ids.values()}
    if asked.who == "a key of another project":
        if is_own(asked.who, asked.name):
            return False
        secret -= {tenant.tenant_id, ids["account_id"], ids["api_key_id"]}
    # What was asked for is told back: its address, and ids that lead nowhere.
    told = re.sub(r'"instance":"[^"]*"|"not_found":\[[^]]*\]', "", asked.answer.text)
    return any(each in told for each in secret)


async def standing(product: Product, tenant: Tenant) -> dict[str, Any]:
    """Return the versions of everything that a tenant has, and how much was ever said of it."""
    connection = await product.superuser()
    try:
        schemas = [each["nspname"] for each in await connection.fetch(SPEAKING)]
        said = {
            schema: await connection.fetchval(
                f"select coalesce(sum(events), 0) from {schema}.outbox_bundles where $1::uuid = any (tenant_ids) and type <> $2",
                tenant.tenant_id,
                "audit.recorded.v1",  # whoever is let in may have written something, if only to what is not there
            )
            for schema in schemas
        }
    finally:
        await connection.close()
    assert len(said) > 5 and sum(said.values()) > 10
    return {"rows": await snapshot(product, tenant), "said": said}


SPEAKING = """
select n.nspname from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relname = 'outbox_bundles'
"""

assert set(ROLES) < set(WHO)
