"""What travels on to a service and back, and what never does."""

import asyncio
import os

import httpx
import pytest
from api_gateway.hosts import Hosts
from gateway_toys import (
    INTERNAL_JWKS,
    PROJECT,
    TENANT,
    USER,
    Echo,
    StartGateway,
    ToyIdentity,
    access_token,
    code_of,
    signed_in,
)
from kernel.errors import DomainError
from kernel.ids import is_id, new_id
from starlette.requests import Request
from testkit.eventually import eventually
from web.internal_tokens import InternalTokens

SESSIONS = "/api/v1/crm/sessions"
CONTACTS = "/api/v1/crm/contacts"
WEBHOOK = "/api/v1/webhooks/0195f0a2"
SECURITY_HEADERS = (
    "strict-transport-security",
    "x-content-type-options",
    "x-frame-options",
    "content-security-policy",
    "referrer-policy",
    "permissions-policy",
    "cache-control",
)


async def test_a_service_gets_the_request_in_the_callers_name_and_nothing_secret(
    client: httpx.AsyncClient, echo: Echo
) -> None:
    token, sign_in = access_token(sid=(sid := new_id()), agt={PROJECT: "agent"}), sid
    answer = await client.get(
        f"{SESSIONS}?limit=5&q=a%20b%2Fc",
        headers={
            "Authorization": f"Bearer {token}",
            "Cookie": "theme=dark",
            "X-Project-Id": PROJECT,
            "X-Internal-Token": "forged",
            "X-Dev-User-ID": "somebody",
            "X-Forwarded-For": "6.6.6.6",
            "X-Forwarded-Host": "evil.example",
            "Forwarded": "for=6.6.6.6",
            "If-None-Match": '"7"',
            "Accept": "application/json",
        },
    )
    assert answer.status_code == 200
    (heard,) = echo.heard
    assert (heard.method, heard.target) == ("GET", f"{SESSIONS}?limit=5&q=a%20b%2Fc")
    assert token not in str(heard.headers)
    for name in (
        "authorization",
        "cookie",
        "x-api-key",
        "x-project-id",
        "x-dev-user-id",
        "x-forwarded-host",
        "forwarded",
    ):
        assert heard.header(name) == []
    assert heard.header("x-forwarded-for") == ["127.0.0.1"]
    assert heard.header("if-none-match") == ['"7"']
    (internal,) = heard.header("x-internal-token")
    caller = InternalTokens("session", INTERNAL_JWKS).verify(internal)
    assert (caller.tenant_id, caller.project_id, caller.subject, caller.subject_kind) == (TENANT, PROJECT, USER, "user")
    assert (caller.credential_id, caller.role, caller.agent_id) == (sign_in, "admin", "agent")
    assert caller.request_id == answer.headers["x-request-id"]


async def test_a_token_for_one_service_is_for_no_other(client: httpx.AsyncClient, echo: Echo) -> None:
    await client.get(SESSIONS, headers=signed_in())
    (internal,) = echo.heard[0].header("x-internal-token")
    with pytest.raises(Exception, match="not valid here"):
        InternalTokens("contact", INTERNAL_JWKS).verify(internal)


async def test_ids_and_traces_travel_on_and_come_back(client: httpx.AsyncClient, echo: Echo) -> None:
    correlation, trace = new_id(), "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    answer = await client.get(
        SESSIONS,
        headers=signed_in() | {"X-Correlation-ID": correlation, "traceparent": trace, "X-Request-Id": new_id()},
    )
    assert answer.headers.get_list("x-correlation-id") == [correlation]
    assert len(answer.headers.get_list("x-request-id")) == 1
    assert echo.heard[0].header("x-correlation-id") == [correlation]
    assert echo.heard[0].header("traceparent") == [trace]
    again = await client.get(SESSIONS, headers=signed_in() | {"X-Correlation-ID": "not a UUID"})
    assert is_id(again.headers["x-correlation-id"])


async def test_a_problem_of_a_service_carries_the_request_id_of_the_answer(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"{CONTACTS}/not-an-id", headers=signed_in())
    assert (answer.status_code, code_of(answer)) == (400, "invalid_id")
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    assert answer.json()["correlation_id"] == answer.headers["x-correlation-id"]


async def test_a_public_answer_has_one_request_id_which_is_the_one_in_its_body(
    client: httpx.AsyncClient, echo: Echo
) -> None:
    theirs = new_id()
    echo.status, echo.headers = 401, [(b"x-request-id", theirs.encode())]
    answer = await client.post("/api/v1/auth/login", json={"email": "a@b.example", "password": "x" * 12})
    assert answer.headers.get_list("x-request-id") == [theirs]


async def test_status_and_headers_of_an_answer_pass_through(client: httpx.AsyncClient, echo: Echo) -> None:
    echo.status = 202
    echo.headers = [
        (b"etag", b'"7"'),
        (b"location", b"/api/v1/crm/messages/1"),
        (b"retry-after", b"3"),
        (b"link", b'</next>; rel="next"'),
        (b"idempotent-replayed", b"true"),
        (b"set-cookie", b"a=b"),
        (b"connection", b"keep-alive"),
    ]
    answer = await client.post(
        "/api/v1/crm/messages", headers=signed_in() | {"Idempotency-Key": "k-1"}, json={"text": "olá"}
    )
    assert answer.status_code == 202
    assert answer.headers["etag"] == '"7"'
    assert answer.headers["location"] == "/api/v1/crm/messages/1"
    assert answer.headers["retry-after"] == "3"
    assert answer.headers["link"] == '</next>; rel="next"'
    assert answer.headers["idempotent-replayed"] == "true"
    assert "set-cookie" not in answer.headers
    assert echo.heard[0].header("idempotency-key") == ["k-1"]
    assert echo.heard[0].body == '{"text":"olá"}'.encode()


async def test_a_304_and_a_204_have_no_body(client: httpx.AsyncClient) -> None:
    address = f"{CONTACTS}/{new_id()}"
    answer = await client.get(address, headers=signed_in() | {"If-None-Match": '"7"'})
    assert (answer.status_code, answer.content) == (304, b"")
    answer = await client.delete(address, headers=signed_in())
    assert (answer.status_code, answer.content) == (204, b"")


async def test_unknown_query_and_body_fields_are_refused_by_services_also_a_tenant(client: httpx.AsyncClient) -> None:
    answer = await client.get(CONTACTS, headers=signed_in(), params={"tenant_id": new_id()})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "unknown_field")
    answer = await client.post(CONTACTS, headers=signed_in(), json={"name": "Ana", "tenant_id": new_id()})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/tenant_id")


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_webhook_passes_byte_for_byte(client: httpx.AsyncClient, echo: Echo, chunked: bool) -> None:
    raw = b'{"event" : "message.any",\r\n "payload":{}}' + os.urandom(300_000)

    async def parts() -> object:
        for start in range(0, len(raw), 65_536):
            yield raw[start : start + 65_536]

    answer = await client.post(
        WEBHOOK,
        content=parts() if chunked else raw,
        headers={
            "Content-Type": "application/json",
            "X-Webhook-Hmac": "ab" * 64,
            "X-Webhook-Hmac-Algorithm": "sha512",
            "X-Webhook-Request-Id": "01ABC",
            "X-Webhook-Timestamp": "1772600000000",
            "User-Agent": "WAHA/2026",
            "X-Custom": "kept",
            "X-Api-Key": "provider's own",
            "X-Internal-Token": "forged",
            "X-Forwarded-For": "6.6.6.6",
        },
    )
    assert answer.status_code == 200
    (heard,) = echo.heard
    assert (heard.method, heard.target, heard.body) == ("POST", WEBHOOK, raw)
    for name, value in {
        "x-webhook-hmac": "ab" * 64,
        "x-webhook-hmac-algorithm": "sha512",
        "x-webhook-request-id": "01ABC",
        "x-webhook-timestamp": "1772600000000",
        "user-agent": "WAHA/2026",
        "x-custom": "kept",
        "content-type": "application/json",
        "x-forwarded-for": "127.0.0.1",
    }.items():
        assert heard.header(name) == [value]
    assert heard.header("x-internal-token") == heard.header("x-api-key") == []


@pytest.mark.parametrize("chunked", [False, True])
async def test_too_large_is_413_and_reaches_no_service(start_gateway: StartGateway, echo: Echo, chunked: bool) -> None:
    async def parts(size: int) -> object:
        for _ in range(size // 1000):
            yield b" " * 1000

    async with start_gateway(most_json_bytes=2_000, most_webhook_bytes=20_000) as gateway:
        for address, headers, size in (("/api/v1/crm/messages", signed_in(), 3_000), (WEBHOOK, {}, 21_000)):
            headers = headers | {"Content-Type": "application/json"}
            content = parts(size) if chunked else b" " * size
            answer = await gateway.client.post(address, headers=headers, content=content)
            assert (answer.status_code, code_of(answer)) == (413, "payload_too_large")
        assert echo.heard == []
        fits = await gateway.client.post(WEBHOOK, content=b" " * 20_000)
        assert fits.status_code == 200


async def test_a_service_that_is_away_is_503_with_retry_after(start_gateway: StartGateway) -> None:
    async with start_gateway(away=("session", "channel-gateway")) as gateway:
        for answer in (
            await gateway.client.get(SESSIONS, headers=signed_in()),
            await gateway.client.post(WEBHOOK, content=b"{}"),
        ):
            assert (answer.status_code, code_of(answer)) == (503, "dependency_unavailable")
            assert int(answer.headers["retry-after"]) > 0
            assert "127.0.0.1" not in answer.text
        assert (await gateway.client.get(CONTACTS, headers=signed_in())).status_code == 200


async def test_a_service_that_breaks_off_is_503() -> None:
    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    from api_gateway.upstream import Upstream
    from kernel.errors import DomainError

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    upstream = Upstream("contact", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    try:
        with pytest.raises(DomainError, match="dependency_unavailable"):
            await upstream.ask("GET", "/")
    finally:
        await upstream.close()
        server.close()


async def test_a_service_that_does_not_answer_in_time_is_504(start_gateway: StartGateway, echo: Echo) -> None:
    async with start_gateway(request_timeout_s=0.5) as gateway:
        echo.slowness_s = 3.0
        answer = await gateway.client.get(SESSIONS, headers=signed_in())
        assert (answer.status_code, code_of(answer)) == (504, "timeout")


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/api/v1",
        "/api/v1/nothing",
        "/api/v2/crm/contacts",
        "/crm/contacts",
        "/metrics",
        "/api/v1/internal/withdrawals",
        "/api/v1/crm/contacts/",
        "/api/v1//crm/contacts",
        "/api/v1/crm/contacts/%2e%2e",
        "/api/v1/crm/contacts/%2E%2e%2f%2e%2e%2finternal%2fwithdrawals",
        "/api/v1/webhooks/..%2finternal%2fwithdrawals",
        "/api/v1/crm/contacts/a%00b",
        "/api/v1/crm/contacts/" + "/".join("a" * 50),
    ],
)
async def test_an_unknown_address_is_a_404_problem(client: httpx.AsyncClient, echo: Echo, path: str) -> None:
    for headers in ({}, signed_in()):
        answer = await client.get(path, headers=headers)
        assert (answer.status_code, code_of(answer)) == (404, "not_found")
    assert echo.heard == []


async def test_dot_segments_lead_nowhere_else(running: object, services: dict[str, str], echo: Echo) -> None:
    # httpx would tidy the path away before it is sent.
    address = running.client.base_url  # type: ignore[attr-defined]
    reader, writer = await asyncio.open_connection(address.host, address.port)
    writer.write(b"POST /api/v1/webhooks/.. HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    assert b" 404 " in (await asyncio.wait_for(reader.readline(), 5))
    writer.close()
    assert echo.heard == []


async def test_a_known_address_with_another_method_is_405_with_allow(client: httpx.AsyncClient) -> None:
    answer = await client.put(CONTACTS, headers=signed_in())
    assert (answer.status_code, code_of(answer)) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, POST"
    answer = await client.post("/docs")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
    assert (await client.options(CONTACTS)).status_code == 405


async def test_every_answer_has_the_security_headers_once(
    client: httpx.AsyncClient, echo: Echo, identity: ToyIdentity
) -> None:
    del echo
    for answer in (
        await client.get(CONTACTS, headers=signed_in()),
        await client.get(CONTACTS),
        await client.get("/nothing"),
        await client.get("/health"),
        await client.get("/docs"),
        await client.get("/openapi.json"),
        await client.post(WEBHOOK, content=b"{}"),
        await client.get(SESSIONS, headers={"X-API-Key": identity.make_key("viewer")}),
    ):
        for name in SECURITY_HEADERS:
            assert len(answer.headers.get_list(name)) == 1, (answer.url, name)
        assert len(answer.headers.get_list("x-request-id")) == 1


async def test_a_forged_host_is_refused_but_probes_may_call_by_address(start_gateway: StartGateway) -> None:
    async with start_gateway(allowed_hosts=("api.example.test", "::1")) as gateway:
        answer = await gateway.client.get(CONTACTS, headers=signed_in() | {"Host": "evil.example"})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "#Host")
        for host in ("api.example.test", "API.example.test:8443", "[::1]:8080"):
            answer = await gateway.client.get(CONTACTS, headers=signed_in() | {"Host": host})
            assert answer.status_code == 200, host
        assert (await gateway.client.get("/live", headers={"Host": "10.0.0.7"})).status_code == 200


@pytest.mark.parametrize("second", [b"evil.example", b"api.example.test"])
def test_two_hosts_are_none(second: bytes) -> None:
    hosts, one = Hosts(["api.example.test"]), (b"host", b"api.example.test")
    hosts.check(Request({"type": "http", "headers": [one]}))
    for headers in ([one, (b"host", second)], [(b"host", second), one], []):
        with pytest.raises(DomainError, match="unknown host"):
            hosts.check(Request({"type": "http", "headers": headers}))


async def test_only_a_trusted_proxy_speaks_for_somebody_else(start_gateway: StartGateway, echo: Echo) -> None:
    claimed = {"X-Forwarded-For": "6.6.6.6, 203.0.113.9, 127.0.0.1"}
    async with start_gateway() as gateway:
        await gateway.client.get("/api/v1/auth/info", headers=claimed)
    async with start_gateway(trusted_proxies=("127.0.0.0/8",)) as gateway:
        await gateway.client.get("/api/v1/auth/info", headers=claimed)
        await gateway.client.get("/api/v1/auth/info", headers={"X-Forwarded-For": "rubbish"})
    told = [heard.header("x-forwarded-for") for heard in echo.heard]
    assert told == [["127.0.0.1"], ["203.0.113.9"], ["127.0.0.1"]]


async def test_a_caller_who_hangs_up_leaves_the_gateway_well(
    running: object, client: httpx.AsyncClient, echo: Echo, capsys: pytest.CaptureFixture[str]
) -> None:
    address = running.client.base_url  # type: ignore[attr-defined]
    _, writer = await asyncio.open_connection(address.host, address.port)
    writer.write(b"POST /api/v1/webhooks/hook HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf")
    await writer.drain()
    await asyncio.sleep(0.1)
    writer.close()

    async def serves() -> bool:
        return (await client.post(WEBHOOK, content=b"{}")).status_code == 200

    await eventually(serves)
    assert [heard.body for heard in echo.heard] == [b"{}"], "half a webhook is no webhook"
    assert "Traceback" not in (said := capsys.readouterr().out) and "ClientDisconnect" not in said
