"""A second factor: asked for once it works, taken once, and not in the way of whoever lost the device."""

import asyncio
from base64 import b32decode
from typing import Any

from identity.domain.attempts import MOST_FAILURES
from identity.domain.one_time_codes import code_at
from testkit.serving import a_caller

PASSWORD = "um cavalo bebe chá frio"


def code_now(house: Any, secret: str, steps: int = 0) -> str:
    return code_at(b32decode(secret), int(house.now.timestamp()) // 30 + steps)


async def ask(house: Any, caller: Any, what: str, **body: str) -> Any:
    sent = {"X-Forwarded-For": "203.0.113.5"}
    return await house.served.ask(caller, "POST", f"/auth/totp{what}", json=body, headers=sent)


async def log_in(house: Any, code: str | None = None, **more: Any) -> Any:
    body = {"email": "ana@example.com", "password": PASSWORD, **({} if code is None else {"code": code})}
    return await house.post("/auth/login", body, **more)


async def with_factor(house: Any) -> tuple[Any, str, list[str]]:
    """Register somebody with a second factor; return them, the secret and the recovery codes."""
    caller = house.owner(await house.register())
    begun = await ask(house, caller, "", password=PASSWORD)
    assert begun.status_code == 201, begun.text
    secret = begun.json()["secret"]
    confirmed = await ask(house, caller, "/confirm", code=code_now(house, secret))
    assert confirmed.status_code == 200, confirmed.text
    house.pass_time(seconds=30)
    return caller, secret, confirmed.json()["recovery_codes"]


async def test_a_code_is_asked_for_from_its_confirmation_on_and_works_once(house: Any) -> None:
    caller = house.owner(await house.register())
    begun = (await ask(house, caller, "", password=PASSWORD)).json()
    assert begun["uri"].startswith("otpauth://totp/crm.example.com%3Aana%40example.com?secret=" + begun["secret"])
    assert (await log_in(house)).status_code == 200, "it was not confirmed yet"

    wrong = await ask(house, caller, "/confirm", code="000000")
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (400, "/code")
    assert (await ask(house, caller, "/confirm", code=code_now(house, begun["secret"]))).status_code == 200

    assert (await log_in(house, code_now(house, begun["secret"]))).status_code == 401, "it was taken already"
    house.pass_time(seconds=30)
    code = code_now(house, begun["secret"])
    answers = await asyncio.gather(*(log_in(house, code) for _ in range(3)))
    assert sorted(each.status_code for each in answers) == [200, 401, 401]


async def test_whoever_sends_none_is_told_so_after_the_right_password_only_and_fails_nothing(house: Any) -> None:
    await with_factor(house)

    for _ in range(MOST_FAILURES + 2):
        asked = await log_in(house)
        assert (asked.status_code, asked.json()["second_factor"]) == (401, "required")
    wrong = await house.log_in(password="wrong wrong wrong")
    assert (wrong.status_code, "second_factor" in wrong.json()) == (401, False)


async def test_guessing_codes_is_slowed_down_and_blocked(house: Any) -> None:
    await with_factor(house)

    codes = [(await log_in(house, "000000")).status_code for _ in range(MOST_FAILURES + 1)]

    assert codes == [401] * MOST_FAILURES + [429]
    assert house.waited == [1, 2, 4, 8, 16]


async def test_a_recovery_code_stands_in_once(house: Any) -> None:
    _, _, codes = await with_factor(house)

    assert len(codes) == 10
    assert (await log_in(house, codes[0].upper())).status_code == 200
    assert (await log_in(house, codes[0])).status_code == 401
    assert (await log_in(house, codes[1])).status_code == 200


async def test_it_is_ended_with_password_and_code_and_with_nothing_less(house: Any) -> None:
    caller, secret, codes = await with_factor(house)

    assert (await ask(house, caller, "/end", password="not the password", code=codes[0])).status_code == 401
    assert (await ask(house, caller, "/end", password=PASSWORD, code="000000")).status_code == 401
    assert (await log_in(house)).status_code == 401
    assert (await ask(house, caller, "/end", password=PASSWORD, code=code_now(house, secret))).status_code == 204
    assert (await log_in(house)).status_code == 200
    assert await house.rows("recovery_codes") == 0


async def test_one_that_works_is_not_replaced_by_whoever_knows_the_password(house: Any) -> None:
    caller, secret, _ = await with_factor(house)

    again = await ask(house, caller, "", password=PASSWORD)

    assert (again.status_code, again.json()["current_state"]) == (409, "on")
    assert (await log_in(house, code_now(house, secret))).status_code == 200
    nothing = await ask(house, caller, "/confirm", code="000000")
    assert (nothing.status_code, nothing.json()["code"]) == (409, "invalid_state")


async def test_setting_one_up_asks_for_the_password(house: Any) -> None:
    caller = house.owner(await house.register())

    assert (await ask(house, caller, "", password="not the password")).status_code == 401
    assert await house.rows("second_factors") == 0


async def test_a_new_password_leaves_it_standing(house: Any) -> None:
    await with_factor(house)
    await house.post("/auth/password/forgot", {"email": "ana@example.com"})
    (mail,) = await house.mails()
    token = mail.get_content().partition("#token=")[2].split()[0]
    body = {"token": token, "new_password": "sete barcos sem nenhum remo"}
    assert (await house.post("/auth/password/reset", body)).status_code == 204

    asked = await house.log_in(password="sete barcos sem nenhum remo")
    assert (asked.status_code, asked.json()["second_factor"]) == (401, "required")


async def test_the_profile_says_whether_there_is_one(house: Any) -> None:
    caller, _, _ = await with_factor(house)
    eva = house.owner(await house.register("eva@example.com"))

    for who, has in ((caller, True), (eva, False)):
        assert (await house.served.ask(who, "GET", "/auth/profile")).json()["second_factor"] is has


async def test_keys_and_strangers_set_up_nothing(house: Any) -> None:
    made = await house.register()
    eva = await house.register("eva@example.com")

    key = await ask(house, await house.holder(made["api_key"]), "", password=PASSWORD)
    stranger = await ask(house, a_caller(eva["tenant_id"], None, subject=made["user_id"]), "", password=PASSWORD)

    assert (key.status_code, stranger.status_code) == (422, 404)
    assert await house.rows("second_factors") == 0


async def test_neither_secret_nor_codes_are_kept_in_the_clear(house: Any) -> None:
    _, secret, codes = await with_factor(house)

    dump = ""
    tables = await house.served.administrator.fetch("select tablename from pg_tables where schemaname = 'identity'")
    for table in tables:
        rows = await house.served.administrator.fetch(f'select t::text as row from identity."{table["tablename"]}" t')
        dump += "\n".join(row["row"] for row in rows)
    for each in (secret, b32decode(secret).hex(), *codes, *(code.replace("-", "") for code in codes)):
        assert each not in dump
