"""A password that was forgotten, over the whole product: the mail lies in the stack's outbox, and its token opens the door once."""

import re
import secrets

from local_stack.process_table import url
from mails import letter_to
from product import Product, log_of
from testkit.eventually import eventually


async def test_a_mailed_token_sets_a_password_and_ends_every_sign_in_within_seconds(product: Product) -> None:
    mail, old, new = f"{secrets.token_hex(6)}@example.com", secrets.token_urlsafe(18), secrets.token_urlsafe(18)
    ask = product.client.request
    body = {"name": "Ana", "email": mail, "password": old}
    made = await ask("POST", "/api/v1/auth/register", json=body)
    assert made.status_code == 201, made.text
    signed_in = {"Authorization": f"Bearer {made.json()['access_token']}"}
    assert (await ask("GET", "/api/v1/auth/profile", headers=signed_in)).status_code == 200

    assert (await ask("POST", "/api/v1/auth/password/forgot", json={"email": mail})).status_code == 202
    letter = await eventually(lambda: letter_to(product.instance, mail), within_s=15, because="the mail")
    assert letter is not None
    link = re.search(r"(http://\S+)/reset-password#token=(\S+)", letter.get_content())
    assert link is not None
    assert link[1] == url(product.instance, "gateway")

    reset = {"token": link[2], "new_password": new}
    assert (await ask("POST", "/api/v1/auth/password/reset", json=reset)).status_code == 204
    assert (await ask("POST", "/api/v1/auth/password/reset", json=reset)).status_code == 401

    async def out() -> bool:
        return (await ask("GET", "/api/v1/auth/profile", headers=signed_in)).status_code == 401

    await eventually(out, within_s=5, because="gateways hear of it")
    for password, status in ((old, 401), (new, 200)):
        answer = await ask("POST", "/api/v1/auth/login", json={"email": mail, "password": password})
        assert answer.status_code == status
    printed = log_of(product.instance, "identity") + log_of(product.instance, "api-gateway")
    assert not [each for each in (mail, old, new, link[2]) if each in printed]
