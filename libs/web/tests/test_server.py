"""The real server: two in one process, requests in flight, a taken port."""

import asyncio
import socket
import subprocess
import sys

import httpx
import pytest
from starlette.responses import Response
from starlette.routing import Route
from telemetry.logs import bound
from testkit.listening import answers, free_port, serving
from web.bodies import Answer
from web.exchange import current_exchange
from web.health import Health
from web.operator_app import operator_app
from web.routes import Routes, UndeclaredRouteError
from web.server import HttpServer, PortTakenError


async def test_api_and_metrics_port_share_one_process(make_toy) -> None:
    health = Health("toy", "1")
    api = HttpServer(make_toy(health=health).app, "127.0.0.1", free_port(), "api")
    operator = HttpServer(operator_app(health), "127.0.0.1", free_port(), "metrics")
    async with serving(api, operator), httpx.AsyncClient() as client:
        for server, path in ((api, "/health"), (operator, "/live"), (operator, "/metrics")):
            assert (await client.get(f"http://127.0.0.1:{server._port}{path}")).status_code == 200
        assert (await client.get(f"http://127.0.0.1:{api._port}/metrics")).status_code == 404
    assert not answers(api._port) and not answers(operator._port)


async def test_a_server_can_be_started_again_on_its_port(make_toy) -> None:
    port = free_port()
    for _ in range(2):
        async with serving(HttpServer(make_toy().app, "127.0.0.1", port)), httpx.AsyncClient() as client:
            assert (await client.get(f"http://127.0.0.1:{port}/health")).status_code == 200


async def test_a_request_in_flight_finishes_after_stop(make_toy) -> None:
    entered, go_on = asyncio.Event(), asyncio.Event()
    routes = Routes()

    @routes.post("/slow", permission="public")
    async def slow() -> Answer:
        entered.set()
        await go_on.wait()
        return Answer()

    port = free_port()
    async with serving(HttpServer(make_toy(routes).app, "127.0.0.1", port)) as stop, httpx.AsyncClient() as client:
        answer = asyncio.create_task(client.post(f"http://127.0.0.1:{port}/api/v1/slow"))
        await asyncio.wait_for(entered.wait(), 5)
        stop.set()
        await asyncio.sleep(0.3)
        assert not answer.done()
        go_on.set()
        assert (await answer).status_code == 200


async def test_a_taken_port_gives_one_sentence() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen(1)
        port = other.getsockname()[1]
        with pytest.raises(PortTakenError) as error:
            await HttpServer(operator_app(Health("toy", "1")), "127.0.0.1", port).run(asyncio.Event())
        sentence = f"cannot listen on 127.0.0.1:{port} (api): somebody else listens there already"
        assert str(error.value).startswith(sentence) and "\n" not in str(error.value)
        code = (
            "import asyncio, sys; from web.server import HttpServer, PortTakenError\n"
            "from kernel.running import run_roles\n"
            f"try: asyncio.run(run_roles([HttpServer(None, '127.0.0.1', {port})]))\n"
            "except PortTakenError as error: sys.exit(str(error))"
        )
        ended = await asyncio.to_thread(
            subprocess.run, [sys.executable, "-c", code], capture_output=True, text=True, timeout=60
        )
    assert ended.returncode == 1
    assert ended.stderr.startswith(sentence) and ended.stderr.count("\n") == 1


async def test_routes_added_later_are_checked_before_anything_is_served(make_toy) -> None:
    app = make_toy().app

    async def late(_: object) -> Response:
        return Response()

    app.router.routes.append(Route("/late", late))
    with pytest.raises(UndeclaredRouteError, match="GET /late"):
        await HttpServer(app, "127.0.0.1", free_port()).run(asyncio.Event())


async def test_an_idle_connection_is_kept_for_more_than_four_seconds(make_toy) -> None:
    port = free_port()
    async with serving(HttpServer(make_toy().app, "127.0.0.1", port)):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for pause in (0.0, 5.0):
            await asyncio.sleep(pause)
            writer.write(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
            assert head.startswith(b"HTTP/1.1 200")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            await reader.readexactly(length)
        writer.close()


async def test_requests_on_one_connection_do_not_mix_what_is_bound(make_toy) -> None:
    routes = Routes()

    @routes.get("/it", permission="public", response_model=None)
    async def it() -> Response:
        before = current_exchange.get()
        with bound(x=1):
            await asyncio.sleep(0.02)
        return Response(status_code=200 if current_exchange.get() is before else 500)

    port = free_port()
    async with (
        serving(HttpServer(make_toy(routes).app, "127.0.0.1", port)),
        httpx.AsyncClient(limits=httpx.Limits(max_connections=5)) as client,
    ):
        found = await asyncio.gather(*(client.get(f"http://127.0.0.1:{port}/api/v1/it") for _ in range(40)))
    assert {answer.status_code for answer in found} == {200}
    assert len({answer.headers["x-request-id"] for answer in found}) == 40


async def test_a_body_over_the_limit_is_refused_by_the_real_server_without_a_length(make_toy, caller_with) -> None:
    routes = Routes()

    @routes.post("/it", permission="public")
    async def it() -> Answer:
        return Answer()

    async def endless():
        for _ in range(100):
            yield b" " * 65536

    port = free_port()
    async with serving(HttpServer(make_toy(routes).app, "127.0.0.1", port)), httpx.AsyncClient() as client:
        answer = await client.post(f"http://127.0.0.1:{port}/api/v1/it", content=endless())
        assert answer.status_code == 413
        assert (await client.get(f"http://127.0.0.1:{port}/health")).status_code == 200
