"""Whom the webhook door turns away, how it says so, and that nothing is left behind."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from channel_gateway.settings import DoorSettings
from waha_simulator.signing import sign


async def nothing_happened(gateway: Any) -> bool:
    counted = await gateway.rows(
        "select (select count(*) from channel_gateway.inbound_deliveries)"
        " + (select count(*) from channel_gateway.delivery_keys)"
        " + (select count(*) from channel_gateway.parked_events)"
        " + (select count(*) from channel_gateway.outbox_bundles where type like 'channel.message%') as count"
    )
    return bool(counted[0]["count"] == 0)


@pytest.mark.parametrize("raw", [b"", b"hello", b"{", b'{"event": NaN}', b"\xff\xfe\x00"])
async def test_what_is_not_json_is_refused_and_nothing_is_kept(gateway: Any, raw: bytes) -> None:
    channel = await gateway.connect()
    answer = await gateway.post(channel, raw)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_json")
    assert answer.headers["content-type"] == "application/problem+json"
    assert await nothing_happened(gateway)


async def test_a_wrong_or_missing_signature_is_refused_and_nothing_is_kept(gateway: Any, text_of: Any) -> None:
    channel, other = await gateway.connect(), await gateway.connect()
    raw = json.dumps(text_of()).encode()
    signed = sign(raw, channel.secret).upper()
    refused = [
        await gateway.post(channel, raw, headers={}),
        await gateway.post(channel, raw, key=other.secret),
        await gateway.post(channel, raw, headers={"x-webhook-hmac": signed}),
        await gateway.post(channel, raw, headers={"x-webhook-hmac": signed.lower()[:-1] + "g"}),
        await gateway.post(
            channel, raw, headers={"x-webhook-hmac": signed.lower(), "x-webhook-hmac-algorithm": "sha256"}
        ),
        await gateway.post(channel, raw + b" ", headers={"x-webhook-hmac": signed.lower()}),
    ]
    for answer in refused:
        assert (answer.status_code, answer.json()["code"]) == (401, "signature_invalid"), answer.text
        assert "www-authenticate" in answer.headers
    assert await nothing_happened(gateway)
    assert (await gateway.post(channel, raw, headers={"x-webhook-hmac": signed.lower()})).status_code == 200


@pytest.mark.parametrize(
    "place", ["a7a1cf8e-2f6e-4c5e-9f5b-6a1a5f3c2b1d", "nonsense", "", "a/b/c", "INFO", "%00", "waha/no such/session"]
)
async def test_an_address_of_nobody_is_not_found(gateway: Any, text_of: Any, place: str) -> None:
    channel = await gateway.connect()
    answer = await gateway.post(channel, text_of(), place=place or "/")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert await nothing_happened(gateway)


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_above_the_limit_is_refused_whether_it_says_its_length_or_not(gateway: Any, chunked: bool) -> None:
    channel = await gateway.connect()
    size = 10 * 1024 * 1024 + 1

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(size // 65_536 + 1):
            yield b" " * 65_536

    content = chunks() if chunked else b" " * size
    answer = await gateway.http.post(f"/api/v1/webhooks/{channel.webhook_id}", content=content)
    assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")
    assert await nothing_happened(gateway)


async def test_one_channels_key_opens_no_other_channels_door(gateway: Any, text_of: Any) -> None:
    first, second = await gateway.connect(), await gateway.connect()
    assert (await gateway.post(first, text_of(), key=second.secret)).status_code == 401


async def limited(gateways: Any, **limits: Any) -> Any:
    settings = replace(gateways.usual_settings(), door=DoorSettings(**limits))
    return await gateways.make(settings=settings)


async def test_a_channel_above_its_ceiling_waits_and_loses_nothing(gateways: Any, text_of: Any) -> None:
    gateway = await limited(gateways, channel_most=2)
    loud, quiet = await gateway.connect(), await gateway.connect()
    answers = [await gateway.post(loud, text_of(str(number))) for number in range(3)]
    assert [each.status_code for each in answers] == [200, 200, 429]
    assert answers[2].json()["code"] == "rate_limited" and 0 < int(answers[2].headers["retry-after"]) <= 60
    assert len(await gateway.states(loud)) == 2
    assert (await gateway.post(quiet, text_of())).status_code == 200


async def test_an_address_that_is_not_genuine_waits_and_does_not_hold_up_who_is(gateways: Any, text_of: Any) -> None:
    gateway = await limited(gateways, unsigned_most=4, trusted_proxies=("127.0.0.1",))
    channel = await gateway.connect()
    claims = {"x-forwarded-for": "6.6.6.6, 192.0.2.1"}

    async def code(place: str | None, headers: dict[str, str]) -> int:
        answer = await gateway.post(channel, text_of(), place=place, headers=claims | headers)
        assert answer.status_code != 429 or int(answer.headers["retry-after"]) > 0
        return int(answer.status_code)

    nobody = "a7a1cf8e-2f6e-4c5e-9f5b-6a1a5f3c2b1d"
    wrong = {"x-webhook-hmac": "0" * 128}
    assert [await code(None, {}), await code(nobody, wrong), await code("waha", {}), await code(None, wrong)] == [
        401,
        404,
        404,
        401,
    ]
    assert [await code(None, {}), await code(nobody, wrong), await code("waha/x", {})] == [429, 429, 429]
    assert await nothing_happened(gateway)
    raw = json.dumps(text_of()).encode()
    assert await code(None, {"x-webhook-hmac": sign(raw, channel.secret)}) == 200
    claims = {"x-forwarded-for": "192.0.2.1, 192.0.2.2"}
    assert await code(None, {}) == 401


async def test_whom_a_stranger_claims_to_speak_for_is_not_believed(gateways: Any, text_of: Any) -> None:
    gateway = await limited(gateways, unsigned_most=1)
    channel = await gateway.connect()
    codes = [
        (await gateway.post(channel, text_of(), headers={"x-forwarded-for": f"192.0.2.{number}"})).status_code
        for number in range(2)
    ]
    assert codes == [401, 429]
