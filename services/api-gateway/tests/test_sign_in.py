"""Who is let in, and with what."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from api_gateway.access_tokens import AccessTokens, SigningKeys
from api_gateway.api_keys import ApiKeys, ResolvedKey
from api_gateway.principals import Principal
from gateway_toys import (
    BASE_URL,
    INTERNAL_KEY,
    OTHER_PROJECT,
    PROJECT,
    SIGNING_KEY,
    TENANT,
    USER,
    Echo,
    StartGateway,
    ToyIdentity,
    access_token,
    code_of,
    signed_in,
)
from joserfc.jwk import OKPKey
from kernel.errors import DomainError
from kernel.ids import new_id
from web.caller import Caller
from web.internal_tokens import InternalTokenIssuer, InternalTokens, public_part
from web.permissions import permissions_of

CONTACTS = "/api/v1/crm/contacts"


def handmade(header: dict[str, Any], claims_of: str, key: bytes = b"") -> str:
    """Return the claims of another token under a header of one's own, signed with HMAC or not at all."""

    def part(raw: bytes) -> str:
        return base64.urlsafe_b64encode(raw).decode().rstrip("=")

    signed = f"{part(json.dumps(header).encode())}.{claims_of.split('.')[1]}"
    signature = hmac.new(key, signed.encode(), hashlib.sha256).digest() if key else b""
    return f"{signed}.{part(signature)}"


def internal_token() -> str:
    key = INTERNAL_KEY.as_dict(private=True)
    caller = Caller(
        TENANT, PROJECT, USER, "user", new_id(), "admin", False, permissions_of("admin"), None, new_id(), new_id()
    )
    return InternalTokenIssuer(key).issue(caller, "contact")


FOREIGN = OKPKey.generate_key("Ed25519", auto_kid=True)
PUBLIC_PEM = SIGNING_KEY.as_pem(private=False)
PUBLIC_RAW = base64.urlsafe_b64decode(SIGNING_KEY.as_dict(private=False)["x"] + "=")

CONFUSED = {
    "alg none": lambda: handmade({"alg": "none", "typ": "at+jwt", "kid": SIGNING_KEY.kid}, access_token()),
    "alg none without kid": lambda: handmade({"alg": "none"}, access_token()),
    "HS256 with the public key as PEM": lambda: handmade(
        {"alg": "HS256", "typ": "at+jwt", "kid": SIGNING_KEY.kid}, access_token(), PUBLIC_PEM
    ),
    "HS256 with the raw public key": lambda: handmade(
        {"alg": "HS256", "typ": "at+jwt", "kid": SIGNING_KEY.kid}, access_token(), PUBLIC_RAW
    ),
    "EdDSA in name, HMAC in fact": lambda: handmade(
        {"alg": "EdDSA", "typ": "at+jwt", "kid": SIGNING_KEY.kid}, access_token(), PUBLIC_RAW
    ),
    "wrong aud": lambda: access_token(aud="another-api"),
    "no aud": lambda: access_token(aud=None),
    "wrong iss": lambda: access_token(iss="https://somebody.example"),
    "no iss": lambda: access_token(iss=None),
    "no exp": lambda: access_token(exp=None),
    "no sub": lambda: access_token(sub=None),
    "no tid": lambda: access_token(tid=None),
    "expired by 31 s": lambda: access_token(life_s=-31),
    "made an hour from now": lambda: access_token(iat=time.time() + 3600, exp=time.time() + 3700),
    "lives for a day": lambda: access_token(life_s=86_400),
    "foreign key, own kid": lambda: access_token(FOREIGN),
    "foreign key, known kid": lambda: access_token(FOREIGN, header={"kid": SIGNING_KEY.kid}),
    "embedded key": lambda: access_token(FOREIGN, header={"jwk": FOREIGN.as_dict(private=False)}),
    "key address": lambda: access_token(header={"jku": "https://somebody.example/keys"}),
    "plain JWT type": lambda: access_token(header={"typ": "JWT"}),
    "internal token": internal_token,
    "not a token": lambda: "eyJhbGciOiJub25lIn0",
    "two parts": lambda: ".".join(access_token().split(".")[:2]),
    "signature cut": lambda: access_token()[:-4],
    "unknown API key": lambda: "vk_00000000_" + "0" * 64,
    "malformed API key": lambda: "vk_short",
}


@pytest.mark.parametrize("name", CONFUSED)
async def test_a_confused_token_is_401(client: httpx.AsyncClient, name: str) -> None:
    answer = await client.get(CONTACTS, headers={"Authorization": f"Bearer {CONFUSED[name]()}"})
    assert answer.status_code == 401, answer.text
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert code_of(answer) == ("token_expired" if "expired" in name else code_of(answer))


async def test_a_good_token_passes_even_29_seconds_after_its_end(client: httpx.AsyncClient) -> None:
    assert (await client.get(CONTACTS, headers=signed_in())).status_code == 200
    assert (await client.get(CONTACTS, headers=signed_in(life_s=-28))).status_code == 200


async def test_an_access_token_opens_no_service() -> None:
    with pytest.raises(DomainError, match="unauthenticated"):
        InternalTokens("contact", public_part(SIGNING_KEY.as_dict(private=True))).verify(access_token())


async def test_two_credentials_are_400(client: httpx.AsyncClient, identity: ToyIdentity) -> None:
    key = identity.make_key()
    for headers in (
        [("Authorization", f"Bearer {access_token()}"), ("X-API-Key", key)],
        [("X-API-Key", key), ("X-API-Key", key)],
        [("Authorization", f"Bearer {key}"), ("Authorization", f"Bearer {key}")],
    ):
        answer = await client.get(CONTACTS, headers=httpx.Headers(headers))
        assert (answer.status_code, code_of(answer)) == (400, "two_credentials")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Dev-User-ID": USER, "X-Dev-Tenant-ID": TENANT, "X-Dev-Role": "admin", "X-Dev-Bypass": "true"},
        {"X-Internal-Token": "will be made"},
        {"Authorization": "a token without scheme"},
        {"Authorization": "Basic YTpi"},
        {"Authorization": "Bearer"},
        {"Cookie": "access_token=will be made"},
        {"X-API-Key": "will be made"},
    ],
)
async def test_headers_that_merely_claim_something_are_nothing(
    client: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    made = {name: value.replace("will be made", internal_token()) for name, value in headers.items()}
    assert (await client.get(CONTACTS, headers=made)).status_code == 401


async def test_credentials_in_the_query_are_nothing(client: httpx.AsyncClient, identity: ToyIdentity) -> None:
    for name, value in (("api_key", identity.make_key()), ("access_token", access_token()), ("token", access_token())):
        assert (await client.get(CONTACTS, params={name: value})).status_code == 401


async def test_an_api_key_passes_under_both_headers(client: httpx.AsyncClient, identity: ToyIdentity) -> None:
    key = identity.make_key("agent")
    for headers in ({"X-API-Key": key}, {"Authorization": f"Bearer {key}"}, {"authorization": f"bearer {key}"}):
        answer = await client.get(f"{CONTACTS}/{new_id()}", headers=headers)
        assert answer.status_code == 200
        assert answer.json()["asked_by"] == identity.holder_of(key)["credential_id"]
        assert answer.json()["permissions"] == sorted(permissions_of("agent"))


async def test_a_key_narrowed_to_one_permission_passes_only_there(
    client: httpx.AsyncClient, identity: ToyIdentity
) -> None:
    key = identity.make_key("admin")
    identity.holder_of(key)["projects"][0]["permissions"] = ["contacts.view"]
    assert (await client.get(CONTACTS, headers={"X-API-Key": key})).status_code == 200
    answer = await client.post(CONTACTS, headers={"X-API-Key": key}, json={"name": "Ana"})
    assert (answer.status_code, code_of(answer)) == (403, "permission_denied")
    assert answer.json()["required"] == "contacts.manage"


@pytest.mark.parametrize(("reason", "code"), [("revoked", "token_revoked"), ("expired", "api_key_expired")])
async def test_a_key_that_is_good_no_more_says_why(
    client: httpx.AsyncClient, identity: ToyIdentity, reason: str, code: str
) -> None:
    key = identity.make_key()
    identity.refused[hashlib.sha256(key.encode()).hexdigest()] = reason
    answer = await client.get(CONTACTS, headers={"X-API-Key": key})
    assert (answer.status_code, code_of(answer)) == (401, code)


async def test_many_requests_with_one_new_key_ask_identity_once(
    client: httpx.AsyncClient, identity: ToyIdentity
) -> None:
    key, identity.slowness_s = identity.make_key(), 0.2
    answers = await asyncio.gather(*(client.get(CONTACTS, headers={"X-API-Key": key}) for _ in range(10)))
    assert {answer.status_code for answer in answers} == {200}
    assert identity.asked["resolve"] == 1


async def test_what_is_remembered_of_a_key_ends_bounded_in_time_and_number() -> None:
    now, asked = [0.0], []

    async def resolve(digest: str) -> ResolvedKey:
        asked.append(digest)
        if digest == hashlib.sha256(keys[1].encode()).hexdigest():
            raise DomainError("invalid_credentials", "unknown")
        return ResolvedKey(Principal(TENANT, "k", "api_key", "k", {}), None, USER)

    keys = [f"vk_{number:08x}_{number:064x}" for number in range(6)]
    known = ApiKeys(resolve, now=lambda: now[0], most=3)
    await known.principal(keys[0])
    now[0] = 29.0
    await known.principal(keys[0])
    assert len(asked) == 1
    now[0] = 30.1
    await known.principal(keys[0])
    assert len(asked) == 2
    for _ in range(2):
        with pytest.raises(DomainError, match="invalid_credentials"):
            await known.principal(keys[1])
    assert len(asked) == 3
    now[0] += 2.1
    with pytest.raises(DomainError, match="invalid_credentials"):
        await known.principal(keys[1])
    assert len(asked) == 4
    for key in keys[2:]:
        await known.principal(key)
    assert len(known) == 3
    assert not any(key in repr(known.__dict__) for key in keys), "the keys themselves are never kept"


async def test_a_remembered_key_expires_on_time() -> None:
    until = datetime(2026, 1, 1, tzinfo=UTC)
    clock = [until - timedelta(seconds=1)]

    async def resolve(_: str) -> ResolvedKey:
        return ResolvedKey(Principal(TENANT, "k", "api_key", "k", {}), until, USER)

    keys = ApiKeys(resolve, clock=lambda: clock[0])
    key = f"vk_{0:08x}_{0:064x}"
    await keys.principal(key)
    clock[0] = until
    with pytest.raises(DomainError, match="api_key_expired"):
        await keys.principal(key)


async def test_signing_keys_are_read_again_for_an_unknown_kid_but_not_more_than_every_ten_seconds() -> None:
    now, published, reads = [1000.0], [SIGNING_KEY], [0]

    async def fetch() -> dict[str, Any]:
        reads[0] += 1
        return public_part(*(key.as_dict(private=True) for key in published))

    keys = SigningKeys(fetch, now=lambda: now[0])
    tokens = AccessTokens(keys, BASE_URL)
    await tokens.verify(access_token())
    assert reads[0] == 1
    now[0] += 11
    published.append(FOREIGN)
    await tokens.verify(access_token(FOREIGN))
    assert reads[0] == 2, "a new key is found at once"
    for _ in range(20):
        with pytest.raises(DomainError, match="unauthenticated"):
            await tokens.verify(access_token(OKPKey.generate_key("Ed25519", auto_kid=True)))
    assert reads[0] == 2
    now[0] += 11
    with pytest.raises(DomainError, match="unauthenticated"):
        await tokens.verify(access_token(OKPKey.generate_key("Ed25519", auto_kid=True)))
    assert reads[0] == 3
    now[0] += 301
    published.remove(FOREIGN)
    await tokens.verify(access_token())
    assert reads[0] == 4
    with pytest.raises(DomainError, match="unauthenticated"):
        await tokens.verify(access_token(FOREIGN))


async def test_what_a_key_signed_goes_with_it_however_well_it_is_remembered() -> None:
    now, published = [1000.0], [SIGNING_KEY, FOREIGN]

    async def fetch() -> dict[str, Any]:
        return public_part(*(key.as_dict(private=True) for key in published))

    tokens = AccessTokens(SigningKeys(fetch, now=lambda: now[0]), BASE_URL)
    of_both = [access_token(key) for key in published]
    for token in of_both:
        await tokens.verify(token)
    published.remove(FOREIGN)
    now[0] += 299
    await tokens.verify(of_both[1])
    now[0] += 2
    await tokens.verify(of_both[0])
    with pytest.raises(DomainError, match="unauthenticated"):
        await tokens.verify(of_both[1])


async def test_known_keys_serve_on_while_identity_is_away() -> None:
    now, away = [1000.0], [False]

    async def fetch() -> dict[str, Any]:
        if away[0]:
            raise DomainError("dependency_unavailable", "identity does not answer")
        return public_part(SIGNING_KEY.as_dict(private=True))

    keys = SigningKeys(fetch, now=lambda: now[0])
    tokens = AccessTokens(keys, BASE_URL)
    await tokens.verify(access_token())
    away[0] = True
    now[0] += 3600
    await tokens.verify(access_token())


async def test_without_identity_nobody_gets_in_and_is_told_so(start_gateway: StartGateway, echo: Echo) -> None:
    async with start_gateway(away=("identity",), waits=False) as gateway:
        for headers in (signed_in(), {"X-API-Key": f"vk_{1:08x}_{1:064x}"}):
            answer = await gateway.client.get("/api/v1/crm/sessions", headers=headers)
            assert (answer.status_code, code_of(answer)) == (503, "dependency_unavailable")
            assert int(answer.headers["retry-after"]) > 0
        assert echo.heard == []
        assert (await gateway.client.get("/api/v1/auth/info")).status_code == 200


async def test_the_project_is_the_named_one_or_the_default_one(client: httpx.AsyncClient) -> None:
    async def project(headers: dict[str, str], **params: str) -> Any:
        answer = await client.get(CONTACTS, headers=headers, params=params)
        return answer.json().get("project") if answer.status_code == 200 else code_of(answer)

    both = {"prj": {PROJECT: "admin", OTHER_PROJECT: "viewer"}}
    assert await project(signed_in()) == PROJECT
    assert await project(signed_in(**both, dpr=OTHER_PROJECT)) == OTHER_PROJECT
    assert await project(signed_in(**both, dpr=None)) == min(PROJECT, OTHER_PROJECT)
    assert await project(signed_in(**both) | {"X-Project-Id": OTHER_PROJECT}) == OTHER_PROJECT
    assert await project(signed_in(**both), project_id=OTHER_PROJECT) == OTHER_PROJECT
    assert await project(signed_in() | {"X-Project-Id": OTHER_PROJECT}) == "not_found"
    assert await project(signed_in(own=True) | {"X-Project-Id": new_id()}) == "not_found"
    assert await project(signed_in(**both) | {"X-Project-Id": PROJECT}, project_id=OTHER_PROJECT) == "not_found"
    assert await project(signed_in() | {"X-Project-Id": "main"}) == "invalid_id"


async def test_a_create_body_may_name_the_project(client: httpx.AsyncClient) -> None:
    headers = signed_in(prj={PROJECT: "admin", OTHER_PROJECT: "admin"})
    answer = await client.post(CONTACTS, headers=headers, json={"name": "Ana", "project_id": OTHER_PROJECT})
    assert answer.json()["project_id"] == OTHER_PROJECT
    answer = await client.post(CONTACTS, headers=headers, json={"name": "Ana", "project_id": new_id()})
    assert (answer.status_code, code_of(answer)) == (404, "not_found")


async def test_the_role_is_that_of_the_chosen_project(client: httpx.AsyncClient) -> None:
    headers = signed_in(prj={PROJECT: "admin", OTHER_PROJECT: "viewer"})
    assert (await client.post(CONTACTS, headers=headers, json={"name": "Ana"})).status_code == 201
    answer = await client.post(CONTACTS, headers=headers | {"X-Project-Id": OTHER_PROJECT}, json={"name": "Ana"})
    assert answer.status_code == 403
