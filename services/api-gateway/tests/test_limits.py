"""How often somebody may ask."""

from dataclasses import replace

import httpx
from api_gateway import limits
from api_gateway.limits import Limit, Policy
from gateway_toys import GENEROUS, OTHER_PROJECT, Echo, StartGateway, ToyIdentity, code_of, signed_in
from kernel.ids import new_id

CONTACTS = "/api/v1/crm/contacts"
LOGIN = "/api/v1/auth/login"


async def test_the_eleventh_sign_in_of_a_minute_from_one_address_is_429(
    start_gateway: StartGateway, echo: Echo
) -> None:
    async with start_gateway(rates=replace(GENEROUS, auth=10)) as gateway:
        answers = [await gateway.client.post(LOGIN, json={}) for _ in range(11)]
        assert [answer.status_code for answer in answers] == [200] * 10 + [429]
        last = answers[-1]
        assert code_of(last) == "rate_limited"
        assert 1 <= int(last.headers["retry-after"]) <= 60
        assert last.headers["ratelimit-policy"] == '"auth";q=10;w=60'
        assert last.headers["x-ratelimit-remaining"] == "0"
        assert len(echo.heard) == 10
        # Neither another header nor another class escapes or suffers.
        forged = await gateway.client.post(LOGIN, json={}, headers={"X-Forwarded-For": "6.6.6.6"})
        assert forged.status_code == 429
        assert (await gateway.client.get(CONTACTS, headers=signed_in())).status_code == 200


async def test_standard_counts_by_user_and_not_by_address_or_sign_in(start_gateway: StartGateway) -> None:
    async with start_gateway(rates=replace(GENEROUS, standard=2)) as gateway:
        user, other = new_id(), new_id()
        first = await gateway.client.get(CONTACTS, headers=signed_in(sub=user))
        assert first.headers["ratelimit-policy"] == '"standard";q=2;w=60'
        assert first.headers["ratelimit"].startswith('"standard";r=1;t=')
        assert first.headers["x-ratelimit-limit"] == "2"
        assert first.headers["x-ratelimit-remaining"] == "1"
        assert 1 <= int(first.headers["x-ratelimit-reset"]) <= 60
        assert (await gateway.client.get(CONTACTS, headers=signed_in(sub=user))).status_code == 200
        refused = await gateway.client.get(CONTACTS, headers=signed_in(sub=user))
        assert (refused.status_code, code_of(refused)) == (429, "rate_limited")
        assert (await gateway.client.get(CONTACTS, headers=signed_in(sub=other))).status_code == 200


async def test_keys_of_one_tenant_share_its_quota_too(start_gateway: StartGateway, identity: ToyIdentity) -> None:
    one, other = identity.make_key(), identity.make_key()
    foreign = identity.make_key(tenant_id=new_id())
    async with start_gateway(rates=replace(GENEROUS, tenant=3)) as gateway:

        async def ask(key: str) -> httpx.Response:
            return await gateway.client.get(CONTACTS, headers={"X-API-Key": key})

        answers = [await ask(key) for key in (one, other, one, other)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert '"standard";q=10000;w=60, "tenant";q=3;w=60' in answers[0].headers["ratelimit-policy"]
        assert answers[0].headers["x-ratelimit-limit"] == "3", "the tightest"
        assert (await ask(foreign)).status_code == 200
        assert (await gateway.client.get(CONTACTS, headers=signed_in())).status_code == 200, "people do not count there"


async def test_what_is_expensive_counts_by_tenant_and_nowhere_else(
    start_gateway: StartGateway, identity: ToyIdentity
) -> None:
    key, one = identity.make_key(), f"{CONTACTS}/{new_id()}"
    async with start_gateway(rates=replace(GENEROUS, expensive=2, standard=3)) as gateway:

        async def change(headers: dict[str, str]) -> httpx.Response:
            return await gateway.client.patch(one, headers=headers, json={})

        user = signed_in(sub=new_id())
        answers = [await change(headers) for headers in (user, {"X-API-Key": key}, user, {"X-API-Key": key})]
        assert [answer.status_code == 429 for answer in answers] == [False, False, True, True]
        assert {answer.headers["ratelimit-policy"] for answer in answers} == {'"expensive";q=2;w=60'}
        assert (await change(signed_in(tid=new_id()))).status_code != 429, "another tenant"
        usual = [(await gateway.client.get(CONTACTS, headers=user)).status_code for _ in range(4)]
        assert usual == [200, 200, 200, 429]


async def test_guessing_keys_is_stopped_by_address_before_identity_is_asked(
    start_gateway: StartGateway, identity: ToyIdentity
) -> None:
    async with start_gateway(rates=replace(GENEROUS, anonymous=5)) as gateway:
        codes = []
        for number in range(8):
            headers = {"X-API-Key": f"vk_{number:08x}_{number:064x}"}
            codes.append((await gateway.client.get(CONTACTS, headers=headers)).status_code)
        assert codes == [401] * 5 + [429] * 3
        assert identity.asked["resolve"] == 5


async def test_health_and_webhooks_are_not_counted_by_address(start_gateway: StartGateway) -> None:
    async with start_gateway(rates=replace(GENEROUS, anonymous=1, auth=1)) as gateway:
        for _ in range(5):
            assert (await gateway.client.get("/health")).status_code == 200
            assert (await gateway.client.get("/health/database")).status_code == 200
            assert (await gateway.client.post("/api/v1/webhooks/hook", content=b"{}")).status_code == 200


async def test_a_refused_permission_still_counts(start_gateway: StartGateway) -> None:
    async with start_gateway(rates=replace(GENEROUS, standard=1)) as gateway:
        headers = signed_in() | {"X-Project-Id": OTHER_PROJECT}
        assert (await gateway.client.get(CONTACTS, headers=headers)).status_code == 404
        assert (await gateway.client.get(CONTACTS, headers=headers)).status_code == 429


def test_a_window_ends_and_begins_anew() -> None:
    now = [100.0]
    limit = Limit(Policy("standard", 2, 60), now=lambda: now[0])
    assert [limit.count_here("a").refused for _ in range(3)] == [False, False, True]
    now[0] += 59.9
    assert limit.count_here("a").refused
    assert limit.count_here("a").resets_s == 1
    now[0] += 0.2
    assert not limit.count_here("a").refused
    assert limit.look("b").remaining == 2


def test_what_is_remembered_is_bounded(monkeypatch: object) -> None:
    monkeypatch.setattr(limits, "MOST_WINDOWS", 10)  # type: ignore[attr-defined]
    now = [0.0]
    limit = Limit(Policy("standard", 2, 60), now=lambda: now[0])
    for number in range(50):
        limit.count_here(str(number))
    assert len(limit._windows) == 10
    now[0] = 61.0
    limit.count_here("x")
    assert list(limit._windows) == ["x"]
