"""Which pages of other origins may read our answers."""

import httpx
from gateway_toys import StartGateway, code_of, signed_in

CONTACTS = "/api/v1/crm/contacts"
APP, EVIL = "https://app.example.com", "https://evil.example"
ASKS = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}


async def test_no_origin_is_allowed_by_default(client: httpx.AsyncClient) -> None:
    answer = await client.get(CONTACTS, headers=signed_in() | {"Origin": APP})
    assert "access-control-allow-origin" not in answer.headers
    answer = await client.options(CONTACTS, headers={"Origin": APP, **ASKS})
    assert (answer.status_code, code_of(answer)) == (403, "origin_not_allowed")


async def test_a_listed_origin_is_echoed_exactly_on_answers_and_refusals(start_gateway: StartGateway) -> None:
    async with start_gateway(cors_origins=(APP,)) as gateway:
        for headers in (signed_in(), {}):
            answer = await gateway.client.get(CONTACTS, headers=headers | {"Origin": APP})
            assert answer.headers["access-control-allow-origin"] == APP
            assert answer.headers["vary"] == "Origin"
            assert "access-control-allow-credentials" not in answer.headers
            assert "ETag" in answer.headers["access-control-expose-headers"]


async def test_another_origin_gets_no_allowance(start_gateway: StartGateway) -> None:
    async with start_gateway(cors_origins=(APP,)) as gateway:
        for origin in (EVIL, "null", f"{APP}.evil.example", "http://app.example.com", APP.upper()):
            answer = await gateway.client.get(CONTACTS, headers=signed_in() | {"Origin": origin})
            assert "access-control-allow-origin" not in answer.headers, origin
            preflight = await gateway.client.options(CONTACTS, headers={"Origin": origin, **ASKS})
            assert preflight.status_code == 403
            assert "access-control-allow-origin" not in preflight.headers


async def test_a_preflight_of_a_listed_origin_is_answered_for_ten_minutes(start_gateway: StartGateway) -> None:
    async with start_gateway(cors_origins=(APP,)) as gateway:
        answer = await gateway.client.options(CONTACTS, headers={"Origin": APP, **ASKS})
        assert answer.status_code == 204
        assert answer.headers["access-control-allow-origin"] == APP
        assert answer.headers["access-control-allow-methods"] == "GET, POST"
        assert answer.headers["access-control-max-age"] == "600"
        assert "Idempotency-Key" in answer.headers["access-control-allow-headers"]
