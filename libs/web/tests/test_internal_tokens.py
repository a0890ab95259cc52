"""The internal token: what passes, and every confusion that must not."""

import base64
import hashlib
import hmac
import json
import time

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from kernel.errors import DomainError
from web.bodies import Answer
from web.internal_tokens import (
    ALGORITHM,
    HEADER,
    ISSUER,
    TYPE,
    InternalTokenIssuer,
    InternalTokens,
    make_key,
    public_part,
)
from web.pem_keys import keys_of_pem
from web.routes import Routes

KEY = make_key()
OTHER_KEY = make_key()


@pytest.fixture
def verifier() -> InternalTokens:
    """What a service verifies with."""
    return InternalTokens("contact", public_part(KEY))


def refused(verifier: InternalTokens, token: str, code: str = "unauthenticated") -> bool:
    with pytest.raises(DomainError) as error:
        verifier.verify(token)
    return error.value.code == code


def encode(part: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


def claims_of(token: str) -> dict:
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def signed(claims: dict, key: dict = KEY, **header: object) -> str:
    imported = OKPKey.import_key(dict(key))
    head = {"alg": ALGORITHM, "typ": TYPE, "kid": imported.kid, **header}
    return jwt.encode({k: v for k, v in head.items() if v is not None}, claims, imported, algorithms=[ALGORITHM])


def test_the_caller_comes_out_as_it_went_in(verifier, caller_with) -> None:
    for caller in (caller_with(), caller_with("admin", owner=True, project_id=None, agent_id="a")):
        assert verifier.verify(InternalTokenIssuer(KEY).issue(caller, "contact")) == caller


def test_a_token_for_one_service_is_refused_by_another(verifier, caller_with) -> None:
    assert refused(verifier, InternalTokenIssuer(KEY).issue(caller_with(), "session"))


def test_a_token_lives_for_a_minute_also_where_it_is_remembered(caller_with) -> None:
    now = time.time()
    clock = [now]
    verifier = InternalTokens("contact", public_part(KEY), now=lambda: clock[0])
    token = InternalTokenIssuer(KEY, now=lambda: now).issue(caller_with(), "contact")
    verifier.verify(token)
    clock[0] = now + 58
    verifier.verify(token)
    clock[0] = now + 61
    assert refused(verifier, token, "token_expired")


def test_a_token_that_claims_a_longer_life_is_refused(verifier, caller_with) -> None:
    claims = claims_of(InternalTokenIssuer(KEY).issue(caller_with(), "contact"))
    assert refused(verifier, signed({**claims, "exp": claims["iat"] + 3600}))


def test_a_replaced_key_works_beside_the_new_one(caller_with) -> None:
    both = InternalTokens("contact", public_part(KEY, OTHER_KEY))
    for key in (KEY, OTHER_KEY):
        both.verify(InternalTokenIssuer(key).issue(caller_with(), "contact"))
    assert refused(
        InternalTokens("contact", public_part(KEY)), InternalTokenIssuer(OTHER_KEY).issue(caller_with(), "contact")
    )


def test_each_step_of_replacing_a_key_as_operators_keep_it_refuses_nobody(caller_with) -> None:
    old, new = (OKPKey.generate_key("Ed25519") for _ in range(2))
    private = [key.as_pem(private=True).decode() for key in (old, new)]
    public = [key.as_pem(private=False).decode() for key in (old, new)]

    def gateway(number: int) -> InternalTokenIssuer:
        return InternalTokenIssuer(keys_of_pem(private[number])[0])

    def service(*numbers: int) -> InternalTokens:
        return InternalTokens("contact", {"keys": keys_of_pem("\n".join(public[number] for number in numbers))})

    for signs, knows in ((0, (0,)), (0, (0, 1)), (1, (0, 1)), (1, (1,))):
        service(*knows).verify(gateway(signs).issue(caller_with(), "contact"))
    assert refused(service(1), gateway(0).issue(caller_with(), "contact"))


def test_confused_algorithms_and_keys_are_refused(verifier, caller_with) -> None:
    good = InternalTokenIssuer(KEY).issue(caller_with(), "contact")
    head, body, signature = good.split(".")
    claims = claims_of(good)
    public = public_part(KEY)["keys"][0]
    none = f"{encode({'alg': 'none', 'typ': TYPE})}.{body}."
    secret = base64.urlsafe_b64decode(public["x"] + "=")
    hs_head = encode({"alg": "HS256", "typ": TYPE, "kid": public["kid"]})
    mac = hmac.new(secret, f"{hs_head}.{body}".encode(), hashlib.sha256).digest()
    confused = [
        none,
        f"{hs_head}.{body}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}",
        jwt.encode({"alg": "HS256", "typ": TYPE}, claims, OctKey.import_key("x" * 32), algorithms=["HS256"]),
        jwt.encode({"alg": "ES256", "typ": TYPE}, claims, ECKey.generate_key("P-256"), algorithms=["ES256"]),
        jwt.encode({"alg": "RS256", "typ": TYPE}, claims, RSAKey.generate_key(2048), algorithms=["RS256"]),
        signed(claims, OTHER_KEY),
        signed(claims, OTHER_KEY, kid=public["kid"]),
        signed(claims, OTHER_KEY, jwk=public_part(OTHER_KEY)["keys"][0]),
        signed(claims, OTHER_KEY, jku="https://evil.example/keys"),
        signed(claims, typ="at+jwt"),
        signed(claims, typ=None),
        f"{head}.{encode({**claims, 'role': 'admin'})}.{signature}",
        f"{head}.{body}.{signature[:-4]}AAAA",
        f"{head}.{body}",
        "",
        "x",
        "a.b.c",
        "é.é.é",
        good + "=" * 9000,
    ]
    for token in confused:
        assert refused(verifier, token), token[:80]


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "somebody"},
        {"iss": None},
        {"aud": None},
        {"aud": ["contact", "session"]},
        {"exp": None},
        {"exp": "soon"},
        {"iat": None},
        {"tenant_id": ...},
        {"subject_kind": "root"},
        {"permissions": None},
        {"sub": ...},
    ],
)
def test_every_claim_is_required(verifier, caller_with, change) -> None:
    claims = claims_of(InternalTokenIssuer(KEY).issue(caller_with(), "contact"))
    changed = {name: value for name, value in {**claims, **change}.items() if value is not ...}
    assert refused(verifier, signed(changed))


def test_an_access_token_of_a_user_opens_no_service(verifier) -> None:
    now = int(time.time())
    access = signed(
        {"iss": "https://crm.example", "aud": "ventros-api", "sub": "u", "tid": "t", "iat": now, "exp": now + 60}
    )
    assert refused(verifier, access)


def test_a_verifier_takes_public_ed25519_keys_only() -> None:
    for keys in ({"keys": []}, {"keys": [KEY]}, {"keys": [dict(OctKey.import_key("x" * 32).as_dict())]}):
        with pytest.raises(ValueError, match="public Ed25519 keys only"):
            InternalTokens("contact", keys)


def test_what_is_remembered_is_bounded(verifier, caller_with, monkeypatch) -> None:
    monkeypatch.setattr("web.internal_tokens.MOST_REMEMBERED", 3)
    issuer = InternalTokenIssuer(KEY)
    for _ in range(6):
        verifier.verify(issuer.issue(caller_with(), "contact"))
    assert len(verifier._remembered) == 3


async def test_a_service_answers_nobody_without_a_token_but_health(make_toy, caller_with) -> None:
    routes = Routes()

    @routes.get("/it", permission="self")
    async def it() -> Answer:
        return Answer()

    toy = make_toy(routes)
    async with toy.client() as client:
        for headers in ({}, {HEADER: "x"}, {"Authorization": "Bearer x"}, {"X-API-Key": "vk_1_2"}):
            answer = await client.get("/api/v1/it", headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
            assert answer.headers["www-authenticate"].startswith("Bearer")
        assert (await client.get("/health")).status_code == 200
        assert (await client.get("/health", headers={HEADER: "x"})).status_code == 200
    caller = caller_with()
    async with toy.client(caller) as client:
        answer = await client.get("/api/v1/it")
        assert answer.status_code == 200
        assert answer.headers["x-request-id"] == caller.request_id
        assert answer.headers["x-correlation-id"] == caller.correlation_id


def test_the_issuer_is_the_gateway(caller_with) -> None:
    assert claims_of(InternalTokenIssuer(KEY).issue(caller_with(), "contact"))["iss"] == ISSUER
