"""Which passwords are taken."""

import string
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from identity.domain.password_rule import check_password, is_common, normalised
from kernel.errors import DomainError


def refusal_of(password: str, email: str = "ana.lima@example.com", name: str = "Ana Lima Souza") -> str | None:
    """Return the field's code, None where the password is taken."""
    try:
        check_password(password, email=email, name=name)
    except DomainError as error:
        assert len(password) < 12 or password not in str(error.fields)
        return error.fields[0].code
    return None


@pytest.mark.parametrize(
    "password",
    [
        "123456789012",
        "1234567890123",
        "aaaaaaaaaaaa",
        "abababababab",
        "abc123abc123",
        "qwertyuiop12",
        "qwertyuiopasdf",
        "1q2w3e4r5t6y",
        "1qaz2wsx3edc",
        "qazwsxedcrfv",
        "abcdefghijkl",
        "Password1234",
        "P@ssw0rd2026!",
        "passwordpassword",
        "Welcome2024!!",
        "iloveyou12345",
        "letmeinplease",
        "adminadmin123",
        "minhasenha123",
        "Senha@12345678",
        "BemVindo2026!",
        "flamengo1981!",
        "coração123456",
        "teamomuito2026",
        "changemeplease",
        "!!!dragon!!!",
    ],
)
def test_what_guessers_try_first_is_refused(password: str) -> None:
    assert is_common(password)
    assert refusal_of(password) == "not_allowed"


@pytest.mark.parametrize(
    "password",
    [
        "um cavalo bebe chá frio",
        "correct horse battery staple",
        "tR7#kd!02lQz",
        "minha avó planta jabuticaba",
        "password-83917502846138",
        "три зелёных кита",
        "x" * 4 + "y8-Kd!z2qw",
        "SPSBA1AdaT6binzYyozHUfvF",  # every second character happens to walk along the keyboard
    ],
)
def test_several_words_and_random_texts_are_taken(password: str) -> None:
    assert refusal_of(password) is None


@pytest.mark.parametrize(
    "password", ["ana.lima@example.com", "ANA LIMA SOUZA", "anaLimaSouza2026", "anna-is-fine!x", "AnaLimaSouza"]
)
def test_ones_own_name_and_address_are_refused(password: str) -> None:
    assert (refusal_of(password) == "not_allowed") == (not password.startswith("anna"))


def test_length_is_counted_in_characters_as_they_are_hashed() -> None:
    assert refusal_of("kd8#Qz!02lp") == "too_short"
    assert refusal_of("kd8#Qz!02lpW") is None
    assert refusal_of("ﬃ" + "kd8#Qz!02l") is None  # one sign that becomes three letters
    assert refusal_of("kd8#Qz!02lpW" * 10 + "12345678") is None
    assert refusal_of("kd8#Qz!02lpW" * 10 + "123456789") == "too_long"


def test_random_secrets_are_never_common() -> None:
    drawn = Random(6)
    signs = string.ascii_letters + string.digits + "-_"
    assert not [each for each in ("".join(drawn.choices(signs, k=24)) for _ in range(60_000)) if is_common(each)]


@given(st.text(max_size=200))
def test_any_text_gets_an_answer(text: str) -> None:
    assert refusal_of(text) in (None, "too_short", "too_long", "not_allowed")


@given(st.text(st.characters(categories=("L", "N")), min_size=1, max_size=6), st.integers(13, 60))
def test_whatever_is_only_repeated_is_refused(unit: str, length: int) -> None:
    unit = normalised(unit)[:6]
    assert refusal_of((unit * length)[:length], email="x@y.example", name="-") in (
        "not_allowed",
        "too_short",
        "too_long",
    )
