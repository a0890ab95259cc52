import pytest
from contact.domain.phone_number import phone_key, phone_of_address
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("phone", "key"),
    [
        ("+551187654321", "5511987654321"),  # Brazil, mobile before the ninth digit
        ("+5511987654321", "5511987654321"),
        ("+551132654321", "551132654321"),  # a landline stays
        ("+5491122334455", "541122334455"),  # Argentina, mobile
        ("+5215512345678", "525512345678"),  # Mexico, the old mobile prefix
        ("+14155550123", "14155550123"),
    ],
)
def test_spellings_of_one_number_have_one_key(phone: str, key: str) -> None:
    assert phone_key(phone) == key


@given(st.from_regex(r"\+[1-9]\d{7,14}", fullmatch=True))
def test_a_key_is_its_own_key(phone: str) -> None:
    assert phone_key(phone_key(phone)) == phone_key(phone)


@given(st.text(max_size=30))
def test_only_digits_of_a_plausible_length_are_a_phone(value: str) -> None:
    phone = phone_of_address(f"{value}@c.us")

    assert phone is None or (phone[1:].isdigit() and 8 <= len(phone) - 1 <= 15)


def test_what_was_reported_is_not_rewritten() -> None:
    assert phone_of_address("551187654321@c.us") == "+551187654321"
