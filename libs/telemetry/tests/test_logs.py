"""What reaches stdout, and what never does."""

import asyncio
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog
from kernel.ids import new_id
from telemetry.logs import bound, configure_logging, get_logger, start_quietly

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """Configure logging into a list; the call returns the parsed lines, without those of servers that other tests left running."""
    written: list[bytes] = []
    root = logging.getLogger()
    before = (root.handlers, root.level)
    configure_logging("contact", "1.2.3", "contact-0", "info", write=written.append)
    structlog.configure(cache_logger_on_first_use=False)  # whoever logs for the first time now would do so for ever
    yield lambda: [line for line in map(json.loads, written) if line["event"] != "request answered"]
    start_quietly()
    root.handlers, root.level = before


def test_a_line_carries_the_fields_that_are_always_there(lines: Lines) -> None:
    get_logger("contact.somewhere").info("a contact was met", duplicates=2)
    (line,) = lines()
    assert line["timestamp"].endswith("Z") and len(line["timestamp"]) == 27
    expected = {
        "level": "info",
        "event": "a contact was met",
        "service": "contact",
        "process": "run",
        "version": "1.2.3",
        "instance": "contact-0",
        "duplicates": 2,
    }
    assert expected.items() <= line.items()


async def test_what_is_bound_to_a_request_stays_in_that_request(lines: Lines) -> None:
    log = get_logger("x")

    async def request(number: int) -> None:
        with bound(request_id=str(number)):
            await asyncio.sleep(0.01 * (3 - number))
            log.info("done", number=number)

    await asyncio.gather(*(request(number) for number in range(3)))
    log.info("outside")
    assert [line.get("request_id") for line in lines()] == ["2", "1", "0", None]
    assert all(line["request_id"] == str(line["number"]) for line in lines()[:3])


@pytest.mark.parametrize(
    "secret",
    [
        "5511987654321",
        "+55 (11) 98765-4321",
        "5511987654321@c.us",
        "145862039482@lid",
        "ana.silva+crm@example.com",
        "vk_0a1b2c3d_" + "ab" * 32,
        "eyJhbGciOiJFZDI1NTE5In0.eyJzdWIiOiJhIn0.c2ln",
        "amqp://guest:s3cr3t@localhost",
    ],
)
def test_what_looks_personal_is_masked_wherever_it_stands(lines: Lines, secret: str) -> None:
    log = get_logger("x")
    log.info(f"met {secret} today", found=f"<{secret}>", nested={"list": [secret]})
    try:
        raise ValueError(f"no such thing: {secret}")
    except ValueError:
        log.exception("it failed")
    logging.getLogger("aiormq").warning("connecting to %s", secret)
    written = json.dumps(lines(), ensure_ascii=False)
    assert len(lines()) == 3
    assert (secret if "://" not in secret else "s3cr3t") not in written
    assert "98765" not in written


@pytest.mark.parametrize(
    "field",
    ["name", "push_name", "phone", "text", "body", "email", "password", "api_key", "access_token", "Authorization"],
)
def test_a_field_with_a_personal_name_never_shows_its_value(lines: Lines, field: str) -> None:
    get_logger("x").info("something", **{field: "Ana"}, detail={field: "Ana"})
    assert "Ana" not in json.dumps(lines())


def test_ids_times_and_counts_survive(lines: Lines) -> None:
    fields = {
        "event_id": "0195f0a2-6f5c-7d0e-9a51-012345678901",
        "tenant_id": new_id(),
        "traceparent": "00-01234567890123456789012345678901-0123456789012345-01",
        "occurred_at": "2026-03-04T05:06:07.089123Z",
        "bytes_in": 12345678901,
        "routing_key": "message.received.v1.3",
        "ip": "192.168.100.200",
        "duration_ms": 12.5,
    }
    get_logger("x").info("done", **fields)
    assert fields.items() <= lines()[0].items()


def test_an_error_is_logged_with_its_frames_and_without_its_values(lines: Lines) -> None:
    class DatabaseError(Exception):
        sqlstate = "23505"
        constraint_name = "contacts_phone"

    try:
        raise DatabaseError("Key (name)=(Ana Silva) already exists")
    except DatabaseError as error:
        get_logger("x").error("the change was refused", exc_info=error)
    (line,) = lines()
    assert line["error.type"] == "DatabaseError"
    assert line["error.message"] == "23505 contacts_phone"
    assert "test_an_error_is_logged" in line["error.stack"]
    assert "Ana Silva" not in json.dumps(line)


def test_debug_is_refused_in_production() -> None:
    with pytest.raises(ValueError, match="refused in production"):
        configure_logging("contact", "1", "0", "debug")


def test_what_libraries_log_at_info_stays_silent(lines: Lines) -> None:
    logging.getLogger("aio_pika").info("connected")
    logging.getLogger("aio_pika").error("gone")
    assert [line["event"] for line in lines()] == ["gone"]
