"""Secrets at rest: sealed for one row of one tenant, readable through a rotation, and a wrong key stops the start."""

import base64
from types import SimpleNamespace
from typing import Any

import pytest
from bus.subscription import Subscription
from channel_gateway.adapters.vault import SealBroken, Sealed, Vault, read_keys
from channel_gateway.bootstrap import build
from kernel.failpoints import NO_FAILPOINTS
from kernel.settings import SettingsError

OLD, NEW = bytes(range(32)), bytes(range(32, 64))


def text(*keys: tuple[str, bytes]) -> str:
    return ",".join(f"{key_id}:{base64.b64encode(key).decode()}" for key_id, key in keys)


def test_what_is_sealed_opens_in_its_own_row_only() -> None:
    vault = Vault({"k1": OLD})
    sealed = vault.seal("secret", "tenant", "row")
    assert vault.open(sealed, "tenant", "row") == "secret"
    assert b"secret" not in sealed.ciphertext
    assert len(sealed.nonce) == 12
    for tenant_id, row_id in (("tenant", "other"), ("other", "row"), ("tenan", "trow")):
        with pytest.raises(SealBroken):
            vault.open(sealed, tenant_id, row_id)
    with pytest.raises(SealBroken):
        vault.open(Sealed(sealed.key_id, sealed.nonce, sealed.ciphertext[:-1] + b"x"), "tenant", "row")


def test_the_same_secret_is_sealed_differently_each_time() -> None:
    vault = Vault({"k1": OLD})
    assert len({vault.seal("secret", "t", "r").ciphertext for _ in range(20)}) == 20


def test_a_rotated_key_still_opens_what_it_sealed_and_seals_nothing_any_more() -> None:
    before = Vault({"k1": OLD}).seal("secret", "t", "r")
    rotated = Vault(read_keys(text(("k2", NEW), ("k1", OLD))))
    assert rotated.open(before, "t", "r") == "secret"
    assert rotated.seal("secret", "t", "r").key_id == "k2"
    with pytest.raises(SealBroken, match="k1"):
        Vault({"k2": NEW}).open(before, "t", "r")


@pytest.mark.parametrize(
    "wrong",
    ["", "k1", "k1:", "k1:abc", ":" + "A" * 44, text(("k1", b"short")), text(("k1", OLD), ("k1", NEW)), "k1:%%%"],
)
def test_keys_of_another_form_are_refused_without_quoting_them(wrong: str) -> None:
    with pytest.raises(ValueError, match="ENCRYPTION_AES_KEY") as refusal:
        read_keys(wrong)
    assert not wrong or wrong not in str(refusal.value)


class PartsOf:
    """What `build` takes, around the test's database."""

    def __init__(self, gateway: Any) -> None:
        self.works = gateway.assembly.works
        self.database = gateway.assembly.works.database
        self.failpoints = NO_FAILPOINTS
        self.settings = SimpleNamespace(database=SimpleNamespace(app_url=gateway.database.app_dsn))

    def subscription(self, consumer: str, payload: Any, handle: Any) -> Subscription:
        return Subscription("channel-gateway", consumer, payload, handle)


async def test_the_service_does_not_start_with_a_missing_or_wrong_key(
    gateway: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts: Any = PartsOf(gateway)
    monkeypatch.delenv("ENCRYPTION_AES_KEY", raising=False)
    with pytest.raises(SettingsError, match="ENCRYPTION_AES_KEY is required"):
        await build(parts)
    monkeypatch.setenv("ENCRYPTION_AES_KEY", text(("k1", NEW)))
    await build(parts)  # nothing is sealed yet
    await gateway.connect()
    with pytest.raises(SettingsError, match="k1"):
        await build(parts)
    monkeypatch.setenv("ENCRYPTION_AES_KEY", text(("k2", OLD)))
    with pytest.raises(SettingsError, match="k1"):
        await build(parts)
    monkeypatch.setenv("ENCRYPTION_AES_KEY", text(("k2", NEW), ("k1", OLD)))
    await build(parts)


async def test_a_door_that_cannot_read_a_key_asks_to_be_tried_again(gateways: Any, text_of: Any) -> None:
    from dataclasses import replace

    gateway = await gateways.make()
    channel = await gateway.connect()
    other = await gateways.make(settings=replace(gateway.assembly.settings, encryption_keys=text(("k1", NEW))))
    assert (await other.post(channel, text_of())).status_code == 503
