"""A forgotten password: a mail whose token works once, and answers that tell nobody who has an account."""

import asyncio
import re
from contextlib import suppress
from typing import Any

from identity.adapters.mailing import Mailing
from identity.application.send_mails import LEASE, MOST_ATTEMPTS, MailError, send_next_mail
from identity.domain.attempts import WARNED_OF
from identity.domain.letters import Links

NEW = "sete barcos sem nenhum remo"
LINK = re.compile(r"https://crm\.example\.com/reset-password#token=([A-Za-z0-9_-]{43})")


async def forgot(house: Any, email: str = "ana@example.com", **headers: str) -> Any:
    return await house.post("/auth/password/forgot", {"email": email}, **headers)


async def reset(house: Any, token: str, wanted: str = NEW, **headers: str) -> Any:
    return await house.post("/auth/password/reset", {"token": token, "new_password": wanted}, **headers)


def token_in(mail: Any) -> str:
    found = LINK.search(mail.get_content())
    assert found is not None, mail
    return found[1]


async def mailed_token(house: Any) -> str:
    await forgot(house)
    (mail,) = await house.mails()
    return token_in(mail)


async def test_a_mailed_token_sets_a_new_password_once_and_ends_every_sign_in(house: Any) -> None:
    made = await house.register()
    token = await mailed_token(house)

    assert (await reset(house, token)).status_code == 204

    assert (await house.log_in()).status_code == 401
    assert (await house.log_in(password=NEW)).status_code == 200
    assert (await house.post("/auth/refresh", {"refresh_token": made["refresh_token"]})).status_code == 401
    assert (await house.resolve(made["api_key"])).status_code == 200
    event = next(each for each in await house.served.said() if each.type == "identity.password_changed.v1")
    assert (event.data.user_id, event.data.all, event.data.sign_in_id) == (made["user_id"], True, None)
    assert (event.tenantid, event.actor) == (made["tenant_id"], f"user:{made['user_id']}")
    again = await reset(house, token, "outra senha muito longa")
    assert (again.status_code, again.json()["code"]) == (401, "invalid_credentials")


async def test_the_mail_goes_to_the_account_and_names_the_site(house: Any) -> None:
    await house.register(language="pt-BR")
    await forgot(house, " ANA@example.com ")
    (mail,) = await house.mails()

    assert (mail["To"], mail["Subject"]) == ("ana@example.com", "Escolha uma nova senha")
    assert mail["Auto-Submitted"] == "auto-generated"
    assert "Ana Lima" in mail.get_content() and "crm.example.com" in mail.get_content()
    assert await house.rows("mails") == 0


async def test_nobody_learns_who_has_an_account(house: Any) -> None:
    await house.register()

    answers = [await forgot(house, each) for each in ("ana@example.com", "nobody@example.com", "nobody", "")]

    assert {(each.status_code, each.content) for each in answers} == {(202, b"")}
    assert len(await house.mails()) == 1
    assert await house.rows("mails") == 0


async def test_answering_looks_nothing_up(house: Any) -> None:
    await house.register()
    asked: list[str] = []
    async with house.served.parts.database.connection() as connection:
        connection.add_query_logger(lambda record: asked.append(record.query))
    await forgot(house)
    await forgot(house, "nobody@example.com")

    assert not [each for each in asked if "users" in each or "find_user" in each]


async def test_a_token_expires_after_half_an_hour(house: Any) -> None:
    await house.register()
    token = await mailed_token(house)

    house.pass_time(minutes=30)

    assert (await reset(house, token)).status_code == 401
    assert (await house.log_in()).status_code == 200


async def test_one_token_used_ends_the_others_also_at_once(house: Any) -> None:
    await house.register()
    first, second = await mailed_token(house), await mailed_token(house)

    answers = await asyncio.gather(*(reset(house, each) for each in (first, second, first)))

    assert sorted(each.status_code for each in answers) == [204, 401, 401]


async def test_a_password_that_is_refused_leaves_the_token_good(house: Any) -> None:
    await house.register()
    token = await mailed_token(house)

    refused = await reset(house, token, "Password12345")

    assert [(each["pointer"], each["code"]) for each in refused.json()["errors"]] == [("/new_password", "not_allowed")]
    assert (await reset(house, token)).status_code == 204


async def test_a_fourth_mail_within_an_hour_is_not_sent(house: Any) -> None:
    await house.register()
    for _ in range(5):
        await forgot(house)
    assert len(await house.mails()) == 3

    house.pass_time(hours=1, seconds=1)
    await forgot(house)
    assert len(await house.mails()) == 1


async def test_whoever_is_disabled_gets_no_mail_and_their_token_opens_nothing(house: Any) -> None:
    await house.register()
    token = await mailed_token(house)
    await house.served.administrator.execute("update identity.users set status = 'disabled'")

    assert (await reset(house, token)).status_code == 401
    await forgot(house)
    assert await house.mails() == []


async def test_a_refresh_token_is_no_mailed_token(house: Any) -> None:
    made = await house.register()

    for each in (made["refresh_token"], made["api_key"], "x"):
        assert (await reset(house, each)).status_code == 401


async def test_no_token_is_kept_in_the_clear(house: Any) -> None:
    await house.register()
    token = await mailed_token(house)

    dump = ""
    for table in ("mails", "mail_tokens", "idempotency_keys", "outbox_bundles"):
        rows = await house.served.administrator.fetch(f"select t::text as row from identity.{table} t")
        dump += "\n".join(row["row"] for row in rows)
    assert token not in dump and token.encode().hex() not in dump


class Broken:
    """A post that takes nothing."""

    async def send(self, letter: Any) -> None:
        """Refuse."""
        raise MailError("SMTPServerDisconnected")


async def test_a_mail_that_does_not_leave_is_tried_again_ever_later_and_then_kept_for_people(house: Any) -> None:
    await house.register()
    await forgot(house)
    (mailing,) = [role for _, role in house.served.blueprint.roles if isinstance(role, Mailing)]
    open_work = mailing._open_work
    links = Links("https://crm.example.com")
    became = []
    for attempt in range(MOST_ATTEMPTS):
        outcome = await send_next_mail(Broken(), links, open_work)
        assert outcome is not None
        became.append(outcome.became)
        assert await send_next_mail(Broken(), links, open_work) is None, "it waits"
        house.now += LEASE * 2**attempt

    assert became == ["put_off"] * (MOST_ATTEMPTS - 1) + ["given_up"]
    assert await send_next_mail(Broken(), links, open_work) is None
    kept = await house.served.administrator.fetchrow("select due_at, error from identity.mails")
    assert (kept["due_at"], kept["error"]) == (None, "SMTPServerDisconnected")


async def test_a_mail_whose_sender_died_is_due_again(house: Any) -> None:
    await house.register()
    await forgot(house)

    class Dying:
        """A post during which the process dies."""

        async def send(self, letter: Any) -> None:
            """Die."""
            raise KeyboardInterrupt

    (mailing,) = [role for _, role in house.served.blueprint.roles if isinstance(role, Mailing)]
    with suppress(KeyboardInterrupt):
        await send_next_mail(Dying(), Links("https://crm.example.com"), mailing._open_work)
    assert await house.mails() == []
    house.now += LEASE
    (mail,) = await house.mails()
    assert (await reset(house, token_in(mail))).status_code == 204


async def test_the_owner_is_told_once_when_a_password_is_being_guessed(house: Any) -> None:
    await house.register()
    for number in range(WARNED_OF + 5):
        await house.log_in(password="wrong wrong wrong", address=f"203.0.113.{number}")
    await house.log_in("nobody@example.com", "wrong wrong wrong")

    (mail,) = await house.mails()

    assert mail["Subject"] == "Many attempts to sign in to your account"
    assert (await house.log_in(address="198.51.100.7")).status_code == 200, "nobody is locked out"
