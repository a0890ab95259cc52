"""Only WAHA's own bytes pass."""

import hashlib
import hmac

import pytest
from channel_gateway.adapters.waha.signature import verify

KEY, OLD_KEY = b"a key of this channel", b"the key before"
RAW = '{"event":"message","payload":{"body":"Olá 👋 ação"}}'.encode()


def signed(raw: bytes = RAW, key: bytes = KEY, algorithm: str = "sha512") -> str:
    return hmac.new(key, raw, getattr(hashlib, algorithm)).hexdigest()


@pytest.mark.parametrize("algorithms", [(), ("sha512",)])
def test_the_right_signature_passes(algorithms: tuple[str, ...]) -> None:
    assert verify(RAW, [signed()], algorithms, keys=[KEY])


def test_both_keys_pass_while_they_are_rotated() -> None:
    assert verify(RAW, [signed(key=OLD_KEY)], keys=[KEY, OLD_KEY])
    assert verify(RAW, [signed()], keys=[KEY, OLD_KEY])
    assert not verify(RAW, [signed(key=OLD_KEY)], keys=[KEY])


@pytest.mark.parametrize(
    "signatures",
    [
        [],
        [""],
        [signed().upper()],
        [signed(), signed()],
        [signed() + " "],
        [signed() + "\n"],
        [signed(RAW + b" ")],
        [signed(key=b"another")],
        [signed(algorithm="sha256")],
        ["é" * 128],
    ],
)
def test_anything_else_is_refused(signatures: list[str]) -> None:
    assert not verify(RAW, signatures, keys=[KEY])


@pytest.mark.parametrize("algorithms", [("sha256",), ("",), ("SHA512",), ("sha512", "sha512")])
def test_another_algorithm_is_refused(algorithms: tuple[str, ...]) -> None:
    assert not verify(RAW, [signed()], algorithms, keys=[KEY])


def test_nothing_passes_without_a_key() -> None:
    assert not verify(RAW, [signed()], keys=[])
    assert not verify(RAW, [signed(key=b"")], keys=[b""])
