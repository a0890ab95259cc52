"""The key of access tokens is replaced while people work: who is signed in stays, who signs in gets the new one, the old one ends."""

import asyncio
import json
import secrets
import signal
from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from identity.adapters.signed_access_tokens import ALGORITHM, ONLY_EDDSA, TYPE
from joserfc import jwt
from joserfc.jwk import OKPKey
from local_stack.credentials import make_secrets
from local_stack.files import read_json, write_private, write_private_json
from local_stack.processes import Process
from product import Product
from testkit.eventually import eventually
from web.pem_keys import keys_of_pem

ASKED_EVERY_S = 0.05
LOOKED_EVERY_S = 10
"""The gateway looks for a key that it does not know, so often at most."""


async def test_signing_keys_rotate_and_nobody_is_refused_meanwhile(product: Product) -> None:
    new, foreign = (make_secrets()["jwt_private_key"] for _ in range(2))
    old = product.instance.secrets["jwt_private_key"]
    product.confidences.note("a secret of the installation", [new, foreign])
    who = {"email": f"{secrets.token_hex(6)}@example.com", "password": secrets.token_urlsafe(18)}
    made = await product.client.post("/api/v1/auth/register", json={"name": "Ana", **who})
    of_old = made.json()["access_token"]

    async def believes(token: str) -> bool:
        return await asks(product, token) == 200

    async def ended() -> bool:
        # What nobody has published makes the gateway look again. Left alone, it does within five minutes.
        assert not await believes(signed_with(foreign, of_old))
        return not await believes(of_old)

    async with working(product, of_old):
        await restart_with(product, old + new)
        assert key_of(await signed_in(product, who)) == ids_of(old)[0]
        within_s = LOOKED_EVERY_S + 2
        in_advance = signed_with(new, of_old)
        await eventually(lambda: believes(in_advance), within_s=within_s, every_s=0.2, because="the gateway knows both")

        await restart_with(product, new + old)
        of_new = await signed_in(product, who)
        assert key_of(of_new) == ids_of(new)[0]
    async with working(product, of_new):
        await restart_with(product, new)
        await eventually(ended, within_s=within_s, every_s=0.2, because="what the old key signed ends with it")


async def restart_with(product: Product, pem: str) -> None:
    """Give identity other keys, as an operator does: write the file, end the process, wait until it is back."""
    instance, file = product.instance, product.instance.folder / "instance.json"
    instance.secrets["jwt_private_key"] = pem
    kept = read_json(file)
    assert kept is not None
    kept["secrets"]["jwt_private_key"] = pem
    write_private_json(file, kept)
    write_private(instance.folder / "keys" / "jwt_private_key", pem)
    process = Process.recorded(instance.records / "identity.json")
    assert process is not None
    process.signal(signal.SIGTERM)

    async def published() -> bool:
        answer = await product.client.get("/.well-known/jwks.json")
        return answer.status_code == 200 and [each["kid"] for each in answer.json()["keys"]] == ids_of(pem)

    await eventually(published, within_s=30, because="identity is back with its keys")


async def signed_in(product: Product, who: dict[str, str]) -> str:
    """Return a fresh access token."""
    answer = await product.client.post("/api/v1/auth/login", json=who)
    assert answer.status_code == 200, answer.text
    token: str = answer.json()["access_token"]
    return token


async def asks(product: Product, token: str) -> int:
    """Return how the gateway answers what another service than identity knows."""
    answer = await product.client.get("/api/v1/crm/contacts?limit=1", headers={"Authorization": f"Bearer {token}"})
    return answer.status_code


@asynccontextmanager
async def working(product: Product, token: str) -> AsyncIterator[None]:
    """Go on working meanwhile; nothing may be refused."""
    answered: list[int] = []

    async def work() -> None:
        while True:
            try:
                answered.append(await asks(product, token))
            except httpx.TransportError:
                answered.append(0)
            await asyncio.sleep(ASKED_EVERY_S)

    worker = asyncio.create_task(work())
    try:
        yield
    finally:
        worker.cancel()
    assert len(answered) > 10
    assert set(answered) == {200}


def ids_of(pem: str) -> list[str]:
    """Return the ids of keys."""
    return [each["kid"] for each in keys_of_pem(pem)]


def key_of(token: str) -> str:
    """Return the id of the key that a token says it was signed with."""
    kid: str = _part(token, 0)["kid"]
    return kid


def signed_with(pem: str, token: str) -> str:
    """Return what another key would have signed of a token."""
    (key,) = keys_of_pem(pem)
    header = {"alg": ALGORITHM, "typ": TYPE, "kid": key["kid"]}
    return jwt.encode(header, _part(token, 1), OKPKey.import_key(key), registry=ONLY_EDDSA)


def _part(token: str, number: int) -> dict[str, Any]:
    text = token.split(".")[number]
    part: dict[str, Any] = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return part
