"""What hostile callers try on every operation that the product's own document names: a route that is added is tried without a word.

Pages without end, SQL where a sort is expected, fields that are nobody's to set, headers that claim to be somebody, pages of other
origins; and whether time tells what an answer does not.
"""

import asyncio
import re
import statistics
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from furnishing import body_for, furnished, snapshot
from kernel.ids import new_id
from product import Product, Tenant
from web.frame import SECURITY_HEADERS

AT_ONCE = 8
LIMITS = ("0", "-1", "101", "999999999", "abc", "1e2", "")
SORTS = (
    "(select 1 from pg_sleep(9))",
    "created_at;drop table contacts",
    "created_at desc--",
    "-created_at,(select version())",
    "ｃreated_at",
    "created_at\u202e",
    "id'",
    '"id"',
    "tenant_id",
)
OWNED_BY_THE_PRODUCT = ("tenant_id", "id", "version", "created_at", "status", "owner")
CLAIMS = {
    "X-Dev-User-ID": "00000000-0000-0000-0000-000000000001",
    "X-Dev-Role": "admin",
    "X-Dev-Tenant-ID": "00000000-0000-0000-0000-000000000001",
    "X-Dev-Project-ID": "00000000-0000-0000-0000-000000000001",
    "X-Dev-Email": "dev@example.com",
}

Operation = tuple[str, str, dict[str, Any]]


class Hostile:
    """Asks as one tenant, or as nobody. Whatever is answered has to be safe to show in a browser, on any origin."""

    def __init__(self, product: Product, tenant: Tenant, ids: dict[str, str]) -> None:
        self._client = product.client
        self._key = tenant.api_key
        self._ids = ids
        self._turns = asyncio.Semaphore(AT_ONCE)

    def place(self, path: str) -> str:
        """Return the address of something that exists, where that can be."""
        return re.sub(r"{(\w+)}", lambda found: self._ids.get(found[1], new_id()), path)

    async def ask(self, method: str, path: str, *, signed_in: bool = True, **more: Any) -> httpx.Response:
        headers = more.pop("headers", {}) | {"Origin": "https://evil.example"}
        key = {"X-API-Key": self._key} if signed_in else {}
        async with self._turns:
            answer = await self._client.request(method, self.place(path), headers=headers | key, **more)
        told = {name.encode(): value.encode() for name, value in answer.headers.items()}
        assert not any(name.startswith(b"access-control") for name in told), f"{method} {path}: {answer.headers}"
        assert told.items() >= dict(SECURITY_HEADERS).items(), f"{method} {path}: {answer.headers}"
        assert answer.status_code < 500 or path == "/ready", f"{method} {path} {more}: {answer.text}"
        return answer


async def operations_of(product: Product) -> list[Operation]:
    """Return every operation of the document: method, path, and what is said of it."""
    document = (await product.client.get("/openapi.json")).json()
    found = [
        (method.upper(), path, operation | {"schemas": document["components"]["schemas"]})
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    ]
    assert len(found) > 100
    return found


def lists_among(operations: list[Operation]) -> list[str]:
    """Return the paths of what is read in pages."""
    found = [path for method, path, operation in operations if method == "GET" and "limit" in _queries(operation)]
    assert len(found) >= 30
    return found


def _queries(operation: dict[str, Any]) -> set[str]:
    return {each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"}


def fields_of(operation: dict[str, Any]) -> set[str] | None:
    """Return the fields that a JSON body may have; None where there is no such body."""
    schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    if schema is None:
        return None
    return {name for each in _objects(schema, operation["schemas"]) for name in each.get("properties", ())}


def _objects(schema: dict[str, Any], schemas: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    yield schema
    for each in (*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())):
        yield from _objects(each, schemas)


@pytest.fixture(scope="module")
async def hostile(product: Product) -> tuple[Hostile, Tenant, dict[str, str]]:
    tenant, ids = await furnished(product, "tried")
    return Hostile(product, tenant, ids), tenant, ids


async def test_no_list_gives_more_than_a_page(
    product: Product, hostile: tuple[Hostile, Tenant, dict[str, str]]
) -> None:
    one = hostile[0]

    async def tried(path: str, limit: str) -> str | None:
        answer = await one.ask("GET", path, params={"limit": limit})
        fine = (answer.status_code, answer.json()["code"]) == (400, "limit_out_of_range")
        return None if fine else f"{path}?limit={limit}: {answer.status_code} {answer.text[:200]}"

    lists = lists_among(await operations_of(product))
    wrong = await asyncio.gather(*(tried(path, limit) for path in lists for limit in LIMITS))
    assert [each for each in wrong if each] == []


async def test_no_list_takes_sql_for_a_sort(product: Product, hostile: tuple[Hostile, Tenant, dict[str, str]]) -> None:
    one = hostile[0]

    async def tried(path: str, sort: str) -> str | None:
        answer = await one.ask("GET", path, params={"sort": sort})
        code = "invalid_sort" if path in sorted_lists else "validation_failed"
        fine = (answer.status_code, answer.json()["code"]) == (400, code)
        return None if fine else f"{path}?sort={sort}: {answer.status_code} {answer.text[:200]}"

    operations = await operations_of(product)
    sorted_lists = {path for method, path, operation in operations if method == "GET" and "sort" in _queries(operation)}
    assert len(sorted_lists) >= 20
    wrong = await asyncio.gather(*(tried(path, sort) for path in lists_among(operations) for sort in SORTS))
    assert [each for each in wrong if each] == []


async def test_nobody_sets_what_is_the_products_own(
    product: Product, hostile: tuple[Hostile, Tenant, dict[str, str]]
) -> None:
    one, tenant, ids = hostile
    before = await snapshot(product, tenant)

    async def tried(method: str, path: str, fields: set[str]) -> str | None:
        extra = {name: new_id() for name in (*OWNED_BY_THE_PRODUCT, "no_such_field") if name not in fields}
        body = body_for(method.lower(), path.removeprefix("/api/v1"), ids, ids) | extra
        answer = await one.ask(method, path, json=body)
        refused = {each["pointer"] for each in answer.json().get("errors", ()) if each["code"] == "unknown_field"}
        fine = answer.status_code == 400 and refused == {f"/{name}" for name in extra}
        return None if fine else f"{method} {path}: {answer.status_code} {answer.text[:300]}"

    taking = [
        (method, path, fields)
        for method, path, operation in await operations_of(product)
        if (fields := fields_of(operation)) is not None and path != "/api/v1/webhooks/{webhook_id}"
    ]
    assert len(taking) > 40
    wrong = await asyncio.gather(*(tried(*each) for each in taking))
    assert [each for each in wrong if each] == []
    assert await snapshot(product, tenant) == before


async def test_headers_that_claim_to_be_somebody_open_nothing(
    product: Product, hostile: tuple[Hostile, Tenant, dict[str, str]]
) -> None:
    one = hostile[0]

    async def tried(method: str, path: str) -> str | None:
        answer = await one.ask(method, path, signed_in=False, headers=CLAIMS)
        return None if answer.status_code == 401 else f"{method} {path}: {answer.status_code} {answer.text[:200]}"

    closed = [
        (method, path)
        for method, path, operation in await operations_of(product)
        if operation["x-permission"] != "public"
    ]
    assert len(closed) > 90
    wrong = await asyncio.gather(*(tried(*each) for each in closed))
    assert [each for each in wrong if each] == []


async def test_public_and_unknown_addresses_and_refusals_are_safe_to_show(
    product: Product, hostile: tuple[Hostile, Tenant, dict[str, str]]
) -> None:
    one = hostile[0]
    public = [
        (method, path)
        for method, path, operation in await operations_of(product)
        if operation["x-permission"] == "public"
    ]
    for method, path in [*public, ("GET", "/nowhere"), ("TRACE", "/api/v1/crm/contacts"), ("PUT", "/health")]:
        await one.ask(method, path, signed_in=False)
    preflight = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    assert (await one.ask("OPTIONS", "/api/v1/crm/contacts", headers=preflight)).status_code == 403
    json = {"Content-Type": "application/json"}
    for body, headers, status in ((b"{", json, 400), (b"{}", {}, 415), (b" " * 1_100_000, json, 413)):
        answer = await one.ask("POST", "/api/v1/crm/contacts", content=body, headers=headers)
        assert answer.status_code == status


async def test_time_does_not_tell_what_exists_elsewhere(
    product: Product, hostile: tuple[Hostile, Tenant, dict[str, str]]
) -> None:
    _, _, ids = hostile
    stranger = await product.tenant("stranger")
    for path, name in (("/crm/contacts", "contact_id"), ("/crm/chats", "chat_id"), ("/crm/channels", "channel_id")):
        took: dict[bool, list[float]] = {True: [], False: []}
        for _ in range(80):
            for exists in took:
                began = time.perf_counter()
                answer = await stranger.ask("GET", f"{path}/{ids[name] if exists else new_id()}")
                took[exists].append(time.perf_counter() - began)
                assert answer.status_code == 404
        there, nowhere = statistics.median(took[True]), statistics.median(took[False])
        assert 2 / 3 < there / nowhere < 3 / 2, (path, there, nowhere)
