"""Signing in, staying signed in, signing out."""

import asyncio
import statistics
import time
from base64 import urlsafe_b64decode
from typing import Any

import msgspec
import pytest
from identity.adapters.argon2_passwords import Argon2Passwords, Effort
from kernel.errors import DomainError
from testkit.serving import a_caller


def claims_of(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return header and claims, unverified."""
    header, claims = (urlsafe_b64decode(part + "==") for part in token.split(".")[:2])
    return msgspec.json.decode(header), msgspec.json.decode(claims)


async def refresh(house: Any, token: str, **headers: str) -> Any:
    return await house.post("/auth/refresh", {"refresh_token": token}, **headers)


async def test_signing_in_tells_who_and_where(house: Any) -> None:
    made = await house.register()

    answer = await house.log_in(email="ANA@example.com")

    assert answer.status_code == 200
    body = answer.json()
    assert {name: body[name] for name in ("user_id", "email", "name", "role", "tenant_id", "default_project_id")} == {
        "user_id": made["user_id"],
        "email": "ana@example.com",
        "name": "Ana Lima",
        "role": "admin",
        "tenant_id": made["tenant_id"],
        "default_project_id": made["default_project_id"],
    }
    assert (body["expires_in"], body["refresh_expires_in"]) == (900, 30 * 86400)


async def test_an_address_is_the_same_however_its_letters_are_composed(house: Any) -> None:
    await house.register("jose\u0301@bu\u0308cher.example")

    for spelling in ("jos\u00e9@b\u00fccher.example", " JOSE\u0301@B\u00dcCHER.example "):
        assert (await house.log_in(spelling)).status_code == 200


async def test_an_access_token_is_verified_by_the_published_keys_and_says_what_it_should(house: Any) -> None:
    from joserfc import jwt
    from joserfc.jwk import KeySet

    made = await house.register()
    published = (await house.served.client.get("/.well-known/jwks.json")).json()

    assert len(published["keys"]) == 2
    assert all("d" not in key and key["use"] == "sig" for key in published["keys"])
    header, claims = claims_of(made["access_token"])
    assert header == {"alg": "EdDSA", "typ": "at+jwt", "kid": published["keys"][0]["kid"]}
    assert {name: claims[name] for name in ("iss", "aud", "sub", "tid", "own", "prj", "dpr")} == {
        "iss": "https://crm.example.com",
        "aud": "ventros-api",
        "sub": made["user_id"],
        "tid": made["tenant_id"],
        "own": True,
        "prj": {made["default_project_id"]: "admin"},
        "dpr": made["default_project_id"],
    }
    assert claims["exp"] - claims["iat"] == 900
    assert {"sid", "jti", "agt"} <= claims.keys()

    keys = KeySet.import_key_set(published)
    # joserfc warns about the older name of the algorithm; what counts here is the signature.
    with pytest.warns(Warning, match="EdDSA is deprecated"):
        assert jwt.decode(made["access_token"], keys, algorithms=["EdDSA"]).claims == claims


async def test_an_unknown_address_and_a_wrong_password_get_the_same_answer(house: Any) -> None:
    await house.register()

    wrong = await house.log_in(password="not the password at all")
    unknown = await house.log_in(email="nobody@example.com")
    impossible = await house.log_in(email="nobody")

    assert {answer.status_code for answer in (wrong, unknown, impossible)} == {401}
    bodies = [{**a.json(), "request_id": "", "correlation_id": ""} for a in (wrong, unknown, impossible)]
    assert bodies[0] == bodies[1] == bodies[2]
    assert wrong.headers["WWW-Authenticate"]


async def test_a_password_of_nobody_takes_the_time_of_one() -> None:
    passwords = Argon2Passwords(Effort(memory_kib=16 * 1024, passes=3))
    kept = await passwords.hash("um cavalo bebe chá frio")

    async def seconds(known: str | None) -> float:
        began = time.perf_counter()
        assert not await passwords.verify(known, "not the password")
        return time.perf_counter() - began

    for_somebody = min([await seconds(kept) for _ in range(5)])
    for_nobody = min([await seconds(None) for _ in range(5)])
    assert 0.5 < for_nobody / for_somebody < 2


@pytest.fixture
def costly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let passwords take most of a sign-in's time, as they do where they are real."""
    monkeypatch.setattr("identity.bootstrap.LOW", Effort(memory_kib=16 * 1024, passes=1))


async def test_time_does_not_tell_who_has_an_account(costly: None, house: Any) -> None:
    await house.register()
    took: dict[str, list[float]] = {"ana@example.com": [], "nobody@example.com": []}

    for turn in range(30):
        for email, seconds in took.items():
            began = time.perf_counter()
            # Each from an address of its own: whoever fails again from the same one has to wait.
            answer = await house.log_in(email, "not the password at all", address=f"203.0.113.{turn}")
            seconds.append(time.perf_counter() - began)
            assert answer.status_code == 401

    known, unknown = map(statistics.median, took.values())
    assert 2 / 3 < unknown / known < 3 / 2, (known, unknown)


async def test_too_many_hashings_at_once_are_sent_away() -> None:
    passwords = Argon2Passwords(Effort(memory_kib=16 * 1024, passes=3))

    done = await asyncio.gather(*(passwords.hash(f"password {n}") for n in range(20)), return_exceptions=True)

    refused = [each for each in done if isinstance(each, DomainError)]
    assert len(refused) == 10 and {each.code for each in refused} == {"overloaded"}


async def test_failures_slow_down_and_then_block_that_address_only(house: Any) -> None:
    await house.register()

    codes = [(await house.log_in(password="wrong wrong wrong")).status_code for _ in range(10)]

    assert codes == [401] * 9 + [429]
    assert house.waited == [1, 2, 4, 8, 16]
    blocked = await house.log_in()
    assert (blocked.status_code, blocked.json()["code"]) == (429, "too_many_attempts")
    assert blocked.headers["Retry-After"] == "900"
    assert (await house.log_in(address="198.51.100.7")).status_code == 200
    house.pass_time(minutes=14)
    assert (await house.log_in()).status_code == 429
    house.pass_time(minutes=1, seconds=1)
    assert (await house.log_in()).status_code == 200
    assert await house.rows("sign_in_failures") == 1, "only the count over all addresses stays"


async def test_unknown_addresses_are_blocked_alike(house: Any) -> None:
    answers = [await house.log_in(email="nobody@example.com") for _ in range(11)]

    assert [answer.status_code for answer in answers] == [401] * 9 + [429] * 2


async def test_many_guesses_at_once_count_too(house: Any) -> None:
    await house.register()

    answers = await asyncio.gather(*(house.log_in(password="wrong wrong wrong") for _ in range(8)))
    more = await asyncio.gather(*(house.log_in(password="wrong wrong wrong") for _ in range(8)))

    assert {answer.status_code for answer in answers} == {401}
    assert sorted(answer.status_code for answer in more).count(429) >= 6


async def test_a_disabled_user_cannot_sign_in_or_stay(house: Any) -> None:
    made = await house.register()
    await house.served.administrator.execute("update identity.users set status = 'disabled'")

    assert (await house.log_in()).status_code == 401
    assert (await refresh(house, made["refresh_token"])).status_code == 401
    assert (await house.resolve(made["api_key"])).status_code == 404


async def test_a_project_of_others_cannot_be_chosen(house: Any) -> None:
    made = await house.register()
    other = await house.register("eva@example.com")

    for project_id, status in ((made["default_project_id"], 200), (other["default_project_id"], 404)):
        body = {"email": "ana@example.com", "password": "um cavalo bebe chá frio", "project_id": project_id}
        assert (await house.post("/auth/login", body)).status_code == status


async def test_a_refresh_token_works_once_and_its_copy_ends_the_sign_in(house: Any) -> None:
    made = await house.register()

    second = await refresh(house, made["refresh_token"])
    assert second.status_code == 200
    assert claims_of(second.json()["access_token"])[1]["sid"] == claims_of(made["access_token"])[1]["sid"]

    stolen = await refresh(house, made["refresh_token"])
    assert (stolen.status_code, stolen.json()["code"]) == (401, "token_revoked")
    heir = await refresh(house, second.json()["refresh_token"])
    assert (heir.status_code, heir.json()["code"]) == (401, "token_revoked")

    event = (await house.served.said())[-1]
    assert event.type == "identity.sign_in_revoked.v1"
    assert (event.data.sign_in_id, event.data.all) == (claims_of(made["access_token"])[1]["sid"], False)
    assert (await house.said()).count("identity.sign_in_revoked.v1") == 1
    assert (await house.log_in()).status_code == 200


async def test_two_who_refresh_at_once_are_one_too_many(house: Any) -> None:
    made = await house.register()

    answers = await asyncio.gather(*(refresh(house, made["refresh_token"]) for _ in range(2)))

    assert sorted(answer.status_code for answer in answers) == [200, 401]
    heir = next(answer for answer in answers if answer.status_code == 200).json()["refresh_token"]
    assert (await refresh(house, heir)).status_code == 401


async def test_a_refresh_that_lost_its_answer_is_repeated_with_its_key(house: Any) -> None:
    made = await house.register()

    first = await refresh(house, made["refresh_token"], **{"Idempotency-Key": "f-1"})
    again = await refresh(house, made["refresh_token"], **{"Idempotency-Key": "f-1"})

    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()
    assert (await refresh(house, first.json()["refresh_token"])).status_code == 200


async def test_a_sign_in_repeated_with_its_key_is_one_sign_in(house: Any) -> None:
    await house.register()

    first = await house.log_in(**{"Idempotency-Key": "s-1"})
    again = await house.log_in(**{"Idempotency-Key": "s-1"})

    assert first.json() == again.json()
    assert await house.rows("sign_ins") == 2  # the registration's and this one
    other = await house.log_in(password="wrong wrong wrong", **{"Idempotency-Key": "s-1"})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_refresh_tokens_slide_for_a_month_and_end_with_their_sign_in(house: Any) -> None:
    token = (await house.register())["refresh_token"]

    for _ in range(3):
        house.pass_time(days=29)
        answer = await refresh(house, token)
        assert answer.status_code == 200
        token = answer.json()["refresh_token"]
    assert answer.json()["refresh_expires_in"] == 3 * 86400
    house.pass_time(days=3, seconds=1)
    late = await refresh(house, token)
    assert (late.status_code, late.json()["code"]) == (401, "token_expired")


async def test_an_unused_refresh_token_expires_after_a_month(house: Any) -> None:
    token = (await house.register())["refresh_token"]
    house.pass_time(days=30)

    assert (await refresh(house, token)).json()["code"] == "token_expired"


async def test_a_token_of_nobody_is_refused(house: Any) -> None:
    answer = await refresh(house, "x" * 43)

    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_credentials")


async def test_signing_out_ends_this_sign_in_and_says_so_once(house: Any) -> None:
    made = await house.register()
    other = (await house.log_in()).json()
    sign_in_id = claims_of(made["access_token"])[1]["sid"]
    caller = house.owner(made, credential_id=sign_in_id)

    assert (await house.served.ask(caller, "POST", "/auth/logout")).status_code == 204
    assert (await house.served.ask(caller, "POST", "/auth/logout", json={})).status_code == 204

    events = [event for event in await house.served.said() if event.type == "identity.sign_in_revoked.v1"]
    assert [(each.data.sign_in_id, each.data.all, each.data.user_id) for each in events] == [
        (sign_in_id, False, made["user_id"])
    ]
    assert (await refresh(house, made["refresh_token"])).status_code == 401
    assert (await refresh(house, other["refresh_token"])).status_code == 200


async def test_signing_out_everywhere_ends_all_and_leaves_keys_alone(house: Any) -> None:
    made = await house.register()
    other = (await house.log_in()).json()

    done = await house.served.ask(house.owner(made), "POST", "/auth/logout", json={"all_sessions": True})

    assert done.status_code == 204
    event = (await house.served.said())[-1]
    assert (event.type, event.data.all, event.data.sign_in_id) == ("identity.sign_in_revoked.v1", True, None)
    for each in (made, other):
        assert (await refresh(house, each["refresh_token"])).status_code == 401
    assert (await house.resolve(made["api_key"])).status_code == 200


async def test_a_key_is_no_sign_in(house: Any) -> None:
    made = await house.register()

    answer = await house.served.ask(await house.holder(made["api_key"]), "POST", "/auth/logout")

    assert (answer.status_code, answer.json()["code"]) == (422, "rule_violated")


async def test_somebody_elses_sign_in_is_not_ended(house: Any) -> None:
    made = await house.register()
    eva = await house.register("eva@example.com")
    sign_in_id = claims_of(made["access_token"])[1]["sid"]

    await house.served.ask(house.owner(eva, credential_id=sign_in_id), "POST", "/auth/logout")

    assert (await refresh(house, made["refresh_token"])).status_code == 200


async def test_info_names_no_way_round(house: Any) -> None:
    answer = await house.served.client.get("/api/v1/auth/info")

    assert answer.json() == {
        "methods": ["bearer_jwt", "api_key"],
        "headers": ["Authorization", "X-API-Key"],
        "access_token_minutes": 15,
        "password_min_length": 12,
    }


async def test_the_profile_is_ones_own_by_sign_in_and_by_key(house: Any) -> None:
    made = await house.register(language="pt-BR")

    by_sign_in = (await house.served.ask(house.owner(made), "GET", "/auth/profile")).json()
    by_key = (await house.served.ask(await house.holder(made["api_key"]), "GET", "/auth/profile")).json()

    assert by_sign_in == by_key
    assert by_sign_in["user_id"] == made["user_id"]
    assert by_sign_in["projects"] == [
        {"project_id": made["default_project_id"], "name": "Projeto Principal", "role": "admin"}
    ]
    assert (len(by_sign_in["permissions"]), by_sign_in["language"], by_sign_in["timezone"]) == (
        23,
        "pt-BR",
        "America/Sao_Paulo",
    )
    assert by_sign_in["agent_id"]


async def test_nobody_reads_a_profile_across_the_wall(house: Any) -> None:
    made = await house.register()
    stranger = a_caller((await house.register("eva@example.com"))["tenant_id"], None, subject=made["user_id"])

    assert (await house.served.ask(stranger, "GET", "/auth/profile")).status_code == 404
    assert (await house.served.client.get("/api/v1/auth/profile")).status_code == 401


async def test_a_hash_made_with_less_effort_is_made_anew_at_sign_in(house: Any) -> None:
    await house.register()
    old = await Argon2Passwords(Effort(memory_kib=32, passes=1)).hash("um cavalo bebe chá frio")
    await house.served.administrator.execute("update identity.users set password_hash = $1", old)

    assert (await house.log_in()).status_code == 200

    kept = await house.served.administrator.fetchval("select password_hash from identity.users")
    assert "m=64,t=1,p=1" in kept
    assert (await house.log_in()).status_code == 200
