"""What becomes of a publication whose connection ends under it."""

import asyncio
from typing import Any

import pytest
from bus.publisher import BrokerPublisher
from contracts.bundles import StoredBundle, packed
from contracts.topology import load_topology
from kernel.ids import new_id

BUNDLE = StoredBundle(new_id(), 1, packed([b"{}"]))


class GivenUp:
    """An exchange on a connection that falls silent: the driver cancels whoever waits on it."""

    async def publish(self, *arguments: Any, **more: Any) -> None:
        waiting = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(waiting.cancel)
        await waiting


class Silent:
    """An exchange that never answers."""

    async def publish(self, *arguments: Any, **more: Any) -> None:
        await asyncio.Event().wait()


def publisher_on(exchange: Any, monkeypatch: pytest.MonkeyPatch) -> BrokerPublisher:
    publisher = BrokerPublisher("amqp://127.0.0.1:1/", "toy", load_topology(), timeout_s=0.2)

    async def opened() -> Any:
        return exchange

    monkeypatch.setattr(publisher, "_open", opened)
    return publisher


async def test_a_connection_that_is_given_up_while_publishing_is_a_lost_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(ConnectionResetError):
        await publisher_on(GivenUp(), monkeypatch).publish("message.sent.v1.0", "message.sent.v1", [BUNDLE])


async def test_a_broker_that_never_confirms_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TimeoutError):
        await publisher_on(Silent(), monkeypatch).publish("message.sent.v1.0", "message.sent.v1", [BUNDLE])


async def test_who_is_told_to_stop_while_publishing_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    publishing = asyncio.create_task(
        publisher_on(Silent(), monkeypatch).publish("message.sent.v1.0", "message.sent.v1", [BUNDLE])
    )
    await asyncio.sleep(0.01)
    publishing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await publishing
