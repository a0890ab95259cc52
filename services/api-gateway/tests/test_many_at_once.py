"""A thousand callers at once cost memory that is bounded, and others are served meanwhile."""

import asyncio
import resource
import time
from collections import Counter
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from gateway_toys import Running, signed_in

MANY = 1000
ASK = b"GET /api/v1/crm/contacts HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


@pytest.fixture
def many_files() -> Iterator[None]:
    """Both ends of every connection are files of this process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(4 * MANY, hard)), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_a_thousand_at_once_are_answered_and_others_beside_them(many_files: None, running: Running) -> None:
    address = urlsplit(str(running.client.base_url))
    assert (await running.client.get("/api/v1/crm/contacts", headers=signed_in())).status_code == 200
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    callers = [await asyncio.open_connection(address.hostname, address.port) for _ in range(MANY)]

    async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(ASK)
        answer = await reader.read(12)
        writer.close()
        return answer[9:12]

    asked = [asyncio.create_task(ask(*caller)) for caller in callers]
    began = time.monotonic()
    beside = await running.client.get("/api/v1/crm/contacts", headers=signed_in())
    waited_s = time.monotonic() - began

    assert Counter(await asyncio.gather(*asked)) == {b"401": MANY}
    assert (beside.status_code, waited_s < 10) == (200, True)
    # Of both ends, as the callers are in this process too.
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown_kib < 100 * MANY
