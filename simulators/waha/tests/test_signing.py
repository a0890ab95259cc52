import hashlib

from waha_simulator.signing import sign, webhook_headers


def hmac_sha512_by_hand(body: bytes, key: bytes) -> str:
    """RFC 2104 from the hash alone, so that the test does not repeat the code under test."""
    padded = key.ljust(128, b"\0")
    inner = hashlib.sha512(bytes(byte ^ 0x36 for byte in padded) + body).digest()
    return hashlib.sha512(bytes(byte ^ 0x5C for byte in padded) + inner).hexdigest()


def test_the_published_vector_of_hmac_sha512_holds() -> None:
    # RFC 4231, test case 2
    assert sign(b"what do ya want for nothing?", "Jefe") == (
        "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
        "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"
    )


def test_the_raw_utf8_bytes_are_signed() -> None:
    body = '{"body":"não, 😀"}'.encode()
    assert sign(body, "chave secreta") == hmac_sha512_by_hand(body, b"chave secreta")
    assert sign(body, "chave secreta") != sign(b'{"body":"n\\u00e3o, \\ud83d\\ude00"}', "chave secreta")


def test_the_headers_are_wahas() -> None:
    headers = webhook_headers(b"{}", key="k", request_id="abc", timestamp_ms=1790000000123, version="2026.7.1")
    assert headers == {
        "content-type": "application/json",
        "user-agent": "WAHA/2026.7.1",
        "x-webhook-request-id": "abc",
        "x-webhook-timestamp": "1790000000123",
        "x-webhook-hmac": hmac_sha512_by_hand(b"{}", b"k"),
        "x-webhook-hmac-algorithm": "sha512",
    }


def test_a_webhook_without_a_key_is_not_signed() -> None:
    headers = webhook_headers(b"{}", key=None, request_id="abc", timestamp_ms=1, version="v")
    assert not [name for name in headers if "hmac" in name]
