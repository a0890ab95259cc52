"""Changing one's password: proven with the old one, and everybody else is out."""

from typing import Any

import pytest
from identity.domain.attempts import MOST_FAILURES
from testkit.serving import a_caller

OLD, NEW = "um cavalo bebe chá frio", "sete barcos sem nenhum remo"


def of_sign_in(house: Any, tokens: dict[str, Any], made: dict[str, Any]) -> Any:
    from base64 import urlsafe_b64decode

    import msgspec

    claims = msgspec.json.decode(urlsafe_b64decode(tokens["access_token"].split(".")[1] + "=="))
    return house.owner(made, credential_id=claims["sid"])


async def change(house: Any, caller: Any, present: str = OLD, wanted: str = NEW, **headers: str) -> Any:
    body = {"current_password": present, "new_password": wanted}
    sent = {"X-Forwarded-For": "203.0.113.5", **headers}
    return await house.served.ask(caller, "POST", "/auth/password", json=body, headers=sent)


async def refresh(house: Any, tokens: dict[str, Any]) -> int:
    answer = await house.post("/auth/refresh", {"refresh_token": tokens["refresh_token"]})
    return int(answer.status_code)


async def test_a_changed_password_ends_all_sign_ins_but_this_one_and_no_key(house: Any) -> None:
    made = await house.register()
    mine, others = (await house.log_in()).json(), (await house.log_in()).json()
    caller = of_sign_in(house, mine, made)

    assert (await change(house, caller)).status_code == 204

    assert (await house.log_in()).status_code == 401
    assert (await house.log_in(password=NEW)).status_code == 200
    assert [await refresh(house, each) for each in (mine, others, made)] == [200, 401, 401]
    assert (await house.resolve(made["api_key"])).status_code == 200
    event = next(each for each in await house.served.said() if each.type == "identity.password_changed.v1")
    assert (event.data.user_id, event.data.all, event.data.sign_in_id) == (made["user_id"], False, caller.credential_id)
    assert event.actor == f"user:{made['user_id']}"


async def test_a_wrong_password_changes_nothing_and_counts_as_a_failed_sign_in(house: Any) -> None:
    made = await house.register()
    before = await house.said()
    caller = of_sign_in(house, made, made)

    codes = [(await change(house, caller, "not the password")).status_code for _ in range(MOST_FAILURES)]

    assert codes == [401] * (MOST_FAILURES - 1) + [429]
    assert (await change(house, caller)).status_code == 429
    assert (await house.log_in()).status_code == 429
    assert (await house.log_in(address="198.51.100.7")).status_code == 200
    assert await house.said() == before


async def test_the_right_one_forgets_what_failed_before(house: Any) -> None:
    made = await house.register()
    caller = of_sign_in(house, made, made)
    await change(house, caller, "not the password")

    assert (await change(house, caller)).status_code == 204
    assert await house.rows("sign_in_failures") == 1, "only the count over all addresses stays"


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ("short", "too_short"),
        ("x" * 129, "too_long"),
        ("Password12345", "not_allowed"),
        ("ana lima 2024", "not_allowed"),
    ],
)
async def test_what_no_password_may_be_is_refused_by_field(house: Any, wanted: str, code: str) -> None:
    made = await house.register()

    answer = await change(house, of_sign_in(house, made, made), wanted=wanted)

    assert answer.status_code == 400
    assert [(each["pointer"], each["code"]) for each in answer.json()["errors"]] == [("/new_password", code)]
    assert (await house.log_in()).status_code == 200


async def test_a_key_has_no_password(house: Any) -> None:
    made = await house.register()

    answer = await change(house, await house.holder(made["api_key"]))

    assert (answer.status_code, answer.json()["code"]) == (422, "rule_violated")


async def test_nobody_changes_a_password_across_the_wall(house: Any) -> None:
    made, eva = await house.register(), await house.register("eva@example.com")

    answer = await change(house, a_caller(eva["tenant_id"], None, subject=made["user_id"]))

    assert answer.status_code == 404
    assert (await house.log_in()).status_code == 200


async def test_a_repetition_with_its_key_is_one_change(house: Any) -> None:
    made = await house.register()
    caller = of_sign_in(house, made, made)

    first = await change(house, caller, **{"Idempotency-Key": "p-1"})
    again = await change(house, caller, **{"Idempotency-Key": "p-1"})

    assert (first.status_code, again.status_code) == (204, 204)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (await house.said()).count("identity.password_changed.v1") == 1


async def test_the_profile_is_changed_field_by_field_and_said_by_name_only(house: Any) -> None:
    made = await house.register(language="pt-BR")
    caller = house.owner(made)

    answer = await house.served.ask(caller, "PATCH", "/auth/profile", json={"name": " Ana Maria ", "language": "es"})
    assert (answer.status_code, answer.json()["name"], answer.json()["language"]) == (200, "Ana Maria", "es")
    assert answer.json() == (await house.served.ask(caller, "GET", "/auth/profile")).json()
    cleared = await house.served.ask(caller, "PATCH", "/auth/profile", json={"language": None})
    assert cleared.json()["language"] == "pt-BR"
    said = [each.data.changed for each in await house.served.said() if each.type == "identity.user_updated.v1"]
    assert said == [("language", "name"), ("language",)]

    again = await house.served.ask(caller, "PATCH", "/auth/profile", json={"name": "Ana Maria"})
    assert again.status_code == 200
    assert (await house.said()).count("identity.user_updated.v1") == 2


async def test_what_no_profile_may_say_is_refused_by_field(house: Any) -> None:
    caller = house.owner(await house.register())
    cases: tuple[tuple[dict[str, Any], str, str], ...] = (
        ({"name": None}, "/name", "not_allowed"),
        ({"name": " "}, "/name", "too_short"),
        ({"language": "Portuguese"}, "/language", "bad_format"),
        ({"timezone": "Mars/Olympus"}, "/timezone", "bad_format"),
        ({"email": "eva@example.com"}, "/email", "unknown_field"),
        ({"owner": True}, "/owner", "unknown_field"),
    )
    for body, pointer, code in cases:
        answer = await house.served.ask(caller, "PATCH", "/auth/profile", json=body)
        assert answer.status_code == 400, body
        assert [(each["pointer"], each["code"]) for each in answer.json()["errors"]] == [(pointer, code)]
