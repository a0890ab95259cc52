"""The document and its page, which work without any other server."""

import re
from collections.abc import Iterator
from importlib import resources
from typing import Any

import httpx
from api_gateway.operations import load_document
from gateway_toys import BASE_URL, StartGateway, toy_document

LOADS = re.compile(
    r"""(?:src|href|action)\s*=\s*["']([^"']+)|url\(([^)]+)\)|import\s+["']([^"']+)|fetch\(["'`]([^"'`]+)"""
)


async def test_the_document_is_served_with_our_own_address(client: httpx.AsyncClient) -> None:
    answer = await client.get("/openapi.json")
    assert answer.status_code == 200
    assert answer.json() == toy_document_as_served(answer.json())


def toy_document_as_served(served: dict[str, object]) -> dict[str, object]:
    assert served["servers"] == [{"url": BASE_URL}]
    assert set(served["paths"]) == set(toy_document()["paths"])  # type: ignore[call-overload]
    return served


async def test_the_page_and_all_that_it_loads_come_from_us(client: httpx.AsyncClient) -> None:
    page = await client.get("/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    asked = ["/docs"]
    for address in asked:
        answer = await client.get(address)
        assert answer.status_code == 200, address
        policy = answer.headers["content-security-policy"]
        assert "http" not in policy
        assert "unsafe" not in policy
        if address == "/openapi.json":
            continue
        assert "//" not in re.sub(r"(?m)^\s*//.*$", "", answer.text).replace("https://www.w3.org", ""), address
        found = [next(filter(None, groups)) for groups in LOADS.findall(answer.text)]
        assert all(each.startswith("/") and not each.startswith("//") for each in found), found
        asked += [each for each in found if each not in asked]
    assert set(asked) >= {"/docs", "/docs/docs.js", "/docs/docs.css", "/openapi.json"}


def test_the_page_runs_no_text_as_code_or_markup() -> None:
    script = (resources.files("api_gateway") / "pages" / "docs.js").read_text()
    for dangerous in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"):
        assert dangerous not in script
    page = (resources.files("api_gateway") / "pages" / "docs.html").read_text()
    assert "<script>" not in page
    assert not re.search(r"\son\w+\s*=|style\s*=", page), "nothing inline"


async def test_without_documents_all_of_them_are_404(start_gateway: StartGateway) -> None:
    async with start_gateway(docs=False) as gateway:
        for address in ("/docs", "/openapi.json", "/docs/docs.js", "/swagger", "/swagger/index.html"):
            assert (await gateway.client.get(address)).status_code == 404


async def test_the_older_addresses_show_the_same(client: httpx.AsyncClient) -> None:
    assert (await client.get("/swagger")).text == (await client.get("/docs")).text
    assert (await client.get("/swagger/index.html")).text == (await client.get("/docs")).text
    assert (await client.get("/swagger/doc.json")).json() == (await client.get("/openapi.json")).json()


def test_every_operation_says_what_it_needs_to_be_routed_and_read() -> None:
    document = load_document()
    names = []
    for path, item in document["paths"].items():
        for method, operation in item.items():
            assert operation["x-service"], path
            assert operation["x-permission"], path
            assert operation["summary"], path
            names.append(operation["operationId"])
            wanted = set(re.findall(r"{(\w+)}", path))
            found = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "path"}
            assert wanted == found, (method, path)
            assert "default" in operation["responses"]
    assert len(names) == len(set(names))


def test_every_reference_of_the_document_leads_somewhere() -> None:
    document = load_document()
    schemas = document["components"]["schemas"]
    referred = set(re.findall(r"'#/components/schemas/([^']+)'", str(document)))
    assert referred <= set(schemas)


def test_every_object_in_a_body_refuses_fields_that_it_does_not_list() -> None:
    document = load_document()
    schemas = document["components"]["schemas"]
    seen: set[str] = set()

    def objects(schema: Any) -> Iterator[dict[str, Any]]:
        if isinstance(schema, list):
            for each in schema:
                yield from objects(each)
        elif isinstance(schema, dict) and "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            if name not in seen:
                seen.add(name)
                yield from objects(schemas[name])
        elif isinstance(schema, dict):
            if isinstance(schema.get("properties"), dict):
                yield schema
            yield from objects(list(schema.values()))

    bodies = [
        one["requestBody"] for item in document["paths"].values() for one in item.values() if "requestBody" in one
    ]
    found = list(objects(bodies))
    assert len(found) > 40
    assert [each["title"] for each in found if each.get("additionalProperties") is not False] == []
