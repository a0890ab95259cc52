"""What is around every request: ids, headers, deadline, log line, metrics, problems."""

import asyncio
import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from kernel.errors import DomainError
from kernel.ids import is_id, new_id
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from telemetry import metrics, tracing
from telemetry.logs import configure_logging, start_quietly
from telemetry.tracing import current_traceparent
from web.bodies import Answer
from web.exchange import current_exchange
from web.routes import Routes

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Seen(Answer):
    request_id: str
    correlation_id: str
    traceparent: str | None


routes = Routes()


@routes.get("/seen/{name}", permission="public")
async def seen(name: str) -> Seen:
    exchange = current_exchange.get()
    assert exchange is not None
    await asyncio.sleep(0.01)
    return Seen(
        request_id=exchange.request_id, correlation_id=exchange.correlation_id, traceparent=current_traceparent()
    )


@routes.get("/slow", permission="public")
async def slow() -> Answer:
    await asyncio.sleep(30)
    return Answer()


@routes.post("/broken", permission="public")
async def broken() -> Answer:
    raise RuntimeError("secret marker 5511987654321 at db.internal:5432")


@routes.get("/teapot", permission="public")
async def teapot() -> Answer:
    raise DomainError("no_such_code", "marker")


@routes.get("/wrong-answer", permission="public")
async def wrong_answer() -> Seen:
    return "marker"  # type: ignore[return-value]


@routes.get("/busy", permission="public")
async def busy() -> Answer:
    raise DomainError("already_exists", "taken", existing_id="x", retry_after=7, status="marker", errors="marker")


@routes.plain("GET", "/page", permission="public")
async def page(_: Request) -> Response:
    return Response("<p>", media_type="text/html", headers={"Content-Security-Policy": "default-src 'self'"})


@routes.plain("GET", "/half", permission="public")
async def half(_: Request) -> Response:
    async def pieces():
        yield b"first"
        raise RuntimeError("in the middle")

    return StreamingResponse(pieces())


@pytest.fixture
def lines() -> Iterator[list[dict]]:
    """What is logged."""
    written: list[dict] = []
    root = logging.getLogger()
    before = (root.handlers, root.level)
    configure_logging("toy", "1", "0", write=lambda line: written.append(json.loads(line)))
    structlog.configure(cache_logger_on_first_use=False)  # the modules' loggers are used by the next test too
    yield written
    start_quietly()
    root.handlers, root.level = before


async def test_every_answer_has_a_new_request_id_and_the_callers_correlation_id(make_toy) -> None:
    correlation_id = new_id()
    async with make_toy(routes).client() as client:
        for sent, kept in ((correlation_id, True), (correlation_id.upper(), True), ("mine", False), ("", False)):
            headers = {"X-Correlation-ID": sent, "X-Request-Id": correlation_id}
            answer = await client.get("/api/v1/seen/x", headers=headers)
            assert answer.headers["x-request-id"] == answer.json()["request_id"] != correlation_id
            assert answer.headers["x-correlation-id"] == answer.json()["correlation_id"]
            assert is_id(answer.json()["correlation_id"])
            assert (answer.json()["correlation_id"] == correlation_id) is kept


async def test_a_trace_is_continued_and_a_malformed_one_dropped(make_toy) -> None:
    async with make_toy(routes).client() as client:
        for sent, kept in (
            (TRACEPARENT, TRACEPARENT),
            ("00-x", None),
            ("00-" + "0" * 32 + "-b7ad6b7169203331-01", None),
        ):
            assert (await client.get("/api/v1/seen/x", headers={"traceparent": sent})).json()["traceparent"] == kept


async def test_parallel_requests_do_not_mix_their_ids(make_toy, lines) -> None:
    async with make_toy(routes).client() as client:
        answers = await asyncio.gather(*(client.get(f"/api/v1/seen/{n}") for n in range(20)))
    ids = [answer.headers["x-request-id"] for answer in answers]
    assert ids == [answer.json()["request_id"] for answer in answers] and len(set(ids)) == 20
    assert sorted(line["request_id"] for line in lines) == sorted(ids)


@pytest.mark.parametrize("path", ["/api/v1/seen/x", "/nowhere", "/health", "/ready", "/api/v1/teapot", "/api/v1/page"])
async def test_security_headers_stand_on_every_answer(make_toy, path) -> None:
    async with make_toy(routes).client() as client:
        headers = (await client.get(path)).headers
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["permissions-policy"] == ""
    assert headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"
    csp = "default-src 'self'" if path.endswith("page") else "default-src 'none'; frame-ancestors 'none'"
    assert headers.get_list("content-security-policy") == [csp]


async def test_what_takes_too_long_is_504(make_toy) -> None:
    async with make_toy(routes, timeout_s=0.1).client() as client:
        answer = await client.get("/api/v1/slow")
    assert (answer.status_code, answer.json()["code"]) == (504, "timeout")
    assert answer.headers["x-request-id"] == answer.json()["request_id"]


@pytest.mark.parametrize(("method", "path"), [("POST", "broken"), ("GET", "teapot"), ("GET", "wrong-answer")])
async def test_a_fault_tells_its_code_and_request_id_only(make_toy, lines, method, path) -> None:
    async with make_toy(routes).client() as client:
        answer = await client.request(method, f"/api/v1/{path}")
    body = answer.json()
    assert (answer.status_code, body["code"], body["detail"]) == (500, "internal_error", "")
    assert answer.headers["content-type"] == "application/problem+json"
    assert "marker" not in answer.text and "Error" not in answer.text
    error, access = lines
    assert (error["level"], error["event"], error["request_id"]) == ("error", "a request failed", body["request_id"])
    assert access["status"] == 500
    if path == "broken":
        assert "in broken" in error["error.stack"] and "5511987654321" not in json.dumps(error)


async def test_facts_of_a_refusal_stand_beside_its_code(make_toy) -> None:
    async with make_toy(routes).client() as client:
        answer = await client.get("/api/v1/busy")
    body = answer.json()
    assert (body["existing_id"], body["type"], body["title"]) == (
        "x",
        "urn:ventros:problem:already_exists",
        "It exists already",
    )
    assert (body["status"], body["errors"], body["instance"]) == (409, [], "/api/v1/busy")
    assert answer.headers["retry-after"] == "7" and "retry_after" not in body


async def test_unknown_paths_and_methods_are_problems_too(make_toy) -> None:
    both = Routes()
    both.plain("GET", "/it", permission="public")(page)
    both.plain("DELETE", "/it", permission="public")(page)
    async with make_toy(both).client() as client:
        missing, wrong = await client.get("/api/v1/it/"), await client.put("/api/v1/it")
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")  # no redirect: bodies would be lost
    assert (wrong.status_code, wrong.json()["code"], wrong.headers["allow"]) == (
        405,
        "method_not_allowed",
        "DELETE, GET",
    )


async def test_one_line_is_logged_for_each_request(make_toy, lines) -> None:
    async with make_toy(routes).client(**{"User-Agent": "tests/1"}) as client:
        answer = await client.get("/api/v1/seen/Marker%20Silva")
        refused = await client.get("/api/v1/seen/Marker?name=Marker")
        for path in ("/health", "/live", "/ready", "/health/database"):
            await client.get(path)
    first, second = [line for line in lines if line["event"] == "request answered"]
    expected = {
        "event": "request answered",
        "method": "GET",
        "route": "/api/v1/seen/{name}",
        "status": 200,
        "ip": "127.0.0.1",
        "user_agent": "tests/1",
        "bytes_in": 0,
        "bytes_out": len(answer.content),
        "request_id": answer.headers["x-request-id"],
        "correlation_id": answer.headers["x-correlation-id"],
    }
    assert expected.items() <= first.items() and first["duration_ms"] >= 10
    assert (second["status"], second["error_code"]) == (refused.status_code, "validation_failed")
    assert "Marker" not in json.dumps(lines)


async def test_who_asks_is_logged_by_ids(make_toy, lines, caller_with) -> None:
    caller = caller_with()
    toy = make_toy(routes)
    async with toy.client(caller) as client:
        await client.get("/api/v1/seen/x")
    async with toy.client() as client:
        nobodys = await client.get("/api/v1/seen/x")
    # By their ids: what other tests left running may write a line meanwhile.
    told = {each.get("request_id"): each for each in lines}
    known = told[caller.request_id]
    assert (known["tenant_id"], known["subject_id"]) == (caller.tenant_id, caller.subject)
    assert "tenant_id" not in told[nobodys.headers["x-request-id"]]


async def test_requests_are_counted_by_route_and_not_by_path(make_toy) -> None:
    def count(route: str, status: str) -> float:
        return metrics.value_of("http_requests_total", method="GET", route=route, status=status)

    before = count("/api/v1/seen/{name}", "200"), count("unmatched", "404")
    async with make_toy(routes).client() as client:
        await client.get("/api/v1/seen/a")
        await client.get("/api/v1/seen/b")
        await client.get("/made/up/by/somebody")
    assert count("/api/v1/seen/{name}", "200") == before[0] + 2
    assert count("unmatched", "404") == before[1] + 1
    assert "/made/up" not in metrics.render().decode()
    assert metrics.value_of("http_in_flight") == 0


async def test_an_answer_that_breaks_in_the_middle_is_cut_and_logged(make_toy, lines) -> None:
    async with make_toy(routes).client() as client:
        answer = await client.get("/api/v1/half")
    assert answer.status_code == 200 and b"urn:ventros" not in answer.content
    assert any(line["level"] == "error" and line["error.type"] == "RuntimeError" for line in lines)


async def test_a_request_is_one_span_of_the_callers_trace(make_toy) -> None:
    exporter = InMemorySpanExporter()
    tracing.configure_tracing("toy", "1", None, ratio=1.0, exporter=exporter)
    try:
        async with make_toy(routes).client(traceparent=TRACEPARENT) as client:
            carried = (await client.get("/api/v1/seen/Marker")).json()["traceparent"]
            await client.post("/api/v1/broken")
        tracing._provider.force_flush()
    finally:
        tracing.shut_down_tracing()
        tracing.configure_tracing("toy", "1", None)
    seen, failed = exporter.get_finished_spans()
    assert (seen.name, failed.name) == ("GET /api/v1/seen/{name}", "POST /api/v1/broken")
    assert carried == f"00-{TRACEPARENT.split('-')[1]}-{seen.context.span_id:016x}-01"
    assert (seen.status.status_code.name, failed.status.status_code.name) == ("UNSET", "ERROR")
    assert "Marker" not in seen.to_json() and "5511987654321" not in failed.to_json()
