"""Codes of a second factor."""

from datetime import UTC, datetime

import pytest
from identity.adapters.sealing import SealBrokenError, Sealing
from identity.domain.one_time_codes import address_of, code_at, make_recovery_codes, normal_form, step_of

SECRET = b"12345678901234567890"


@pytest.mark.parametrize(
    ("moment", "code"),
    # RFC 6238, appendix B, the last six digits of each.
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_codes_are_those_of_the_standard(moment: int, code: str) -> None:
    assert code_at(SECRET, moment // 30) == code
    assert step_of(SECRET, code, datetime.fromtimestamp(moment, UTC), 0) == moment // 30


def test_a_device_may_be_half_a_minute_off_and_no_code_works_twice() -> None:
    now = datetime.fromtimestamp(1_700_000_010, UTC)
    step = 1_700_000_010 // 30
    for near in (-1, 0, 1):
        assert step_of(SECRET, code_at(SECRET, step + near), now, 0) == step + near
    for far in (-2, 2):
        assert step_of(SECRET, code_at(SECRET, step + far), now, 0) is None
    assert step_of(SECRET, code_at(SECRET, step), now, after=step) is None
    assert step_of(SECRET, "", now, 0) is None
    assert step_of(SECRET, "\u0660" * 6, now, 0) is None


def test_recovery_codes_differ_and_are_read_however_they_are_typed() -> None:
    codes = make_recovery_codes()
    assert len(set(codes)) == 10
    assert normal_form(f" {codes[0].upper()} ") == codes[0].replace("-", "")


def test_a_device_reads_the_secret_from_its_address() -> None:
    assert address_of(SECRET, "crm.example.com", "ana@example.com") == (
        "otpauth://totp/crm.example.com%3Aana%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=crm.example.com"
    )


def test_a_secret_is_read_with_its_own_key_for_its_own_user_only() -> None:
    sealing = Sealing({"k2": b"2" * 32, "k1": b"1" * 32})
    key_id, sealed = sealing.seal(SECRET, "t", "u")
    assert key_id == "k2" and SECRET not in sealed
    assert Sealing({"k3": b"3" * 32, "k2": b"2" * 32}).open(key_id, sealed, "t", "u") == SECRET
    for keys, tenant, user in (
        ({"k2": b"1" * 32}, "t", "u"),
        ({"k1": b"2" * 32}, "t", "u"),
        ({"k2": b"2" * 32}, "t", "v"),
    ):
        with pytest.raises(SealBrokenError):
            Sealing(keys).open(key_id, sealed, tenant, user)
