"""Slugs, credentials, attempts, lifetimes, languages."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from identity.domain.account import (
    Membership,
    agents_in_token,
    default_of,
    named_in_token,
    read_language,
    read_timezone,
)
from identity.domain.attempts import delay_s, seconds_left, who
from identity.domain.credentials import API_KEY, hash_of, make_api_key, make_refresh_token
from identity.domain.lifetimes import Lifetimes
from identity.domain.slug import slug_of, with_suffix
from kernel.errors import DomainError

SLUG = re.compile(r"[a-z0-9-]{3,63}")
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@given(st.text(max_size=300))
def test_every_company_has_a_slug(name: str) -> None:
    slug = slug_of(name)
    assert SLUG.fullmatch(slug)
    assert SLUG.fullmatch(with_suffix(slug, "a1b2c3"))
    assert with_suffix(slug, "a1b2c3").endswith("-a1b2c3")


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Padaria São João", "padaria-sao-joao"),
        ("  A&B  ", "a-b"),
        ("X", "x-tenant"),
        ("株式会社", "tenant"),
        ("--", "tenant"),
    ],
)
def test_slugs_read_like_the_name(name: str, slug: str) -> None:
    assert slug_of(name) == slug


def test_keys_have_their_form_and_never_show_themselves() -> None:
    key, token = make_api_key(), make_refresh_token()
    assert API_KEY.fullmatch(key.text)
    assert key.text.startswith(f"{key.prefix}_")
    assert key.text not in repr(key) and token.text not in repr(token)
    assert key.hash == hash_of(key.text) and len(key.hash) == 32
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", token.text)
    assert make_api_key().text != key.text


def test_answers_wait_longer_from_the_fifth_failure_on() -> None:
    assert [delay_s(failures) for failures in range(12)] == [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 0, 0]


def test_failures_are_counted_by_account_and_address() -> None:
    assert len({who("a@x", "1"), who("a@x", "2"), who("b@x", "1")}) == 3
    assert who("a@x", "1") == who("a@x", "1")


def test_what_is_left_of_a_block_is_told_in_whole_seconds() -> None:
    assert seconds_left(NOW + timedelta(seconds=89, milliseconds=10), NOW) == 90
    assert seconds_left(NOW, NOW) == 1


@given(st.integers(0, 100), st.integers(1, 90))
def test_no_refresh_token_outlives_its_sign_in(days: int, refresh_days: int) -> None:
    until = Lifetimes(refresh_days=refresh_days).refresh_until(NOW + timedelta(days=days), NOW)
    assert until <= NOW + timedelta(days=90)
    assert until <= NOW + timedelta(days=days + refresh_days)


@pytest.mark.parametrize("language", ["pt-BR", "en", "es-419", "zh-Hant-TW"])
def test_languages_are_bcp_47(language: str) -> None:
    assert read_language(language) == language


@pytest.mark.parametrize("language", ["", "EN", "portuguese", "en_US", "pt-BR\n"])
def test_other_texts_are_no_language(language: str) -> None:
    with pytest.raises(DomainError):
        read_language(language)


def test_zones_are_those_of_the_iana() -> None:
    assert (read_timezone(None), read_timezone("Europe/Lisbon")) == ("America/Sao_Paulo", "Europe/Lisbon")
    with pytest.raises(DomainError):
        read_timezone("Brasilia")


def of(number: int, **more: bool) -> Membership:
    return Membership(f"p{number}", "P", "admin", more.get("default", False), f"a{number}")


def test_a_token_names_all_projects_up_to_a_hundred_and_then_the_chosen_one() -> None:
    hundred = [of(number) for number in range(100)]
    assert named_in_token(hundred, hundred[3]) == hundred
    assert agents_in_token(hundred, hundred[3]) == {"p3": "a3"}
    assert agents_in_token(hundred[:25], None) == {f"p{n}": f"a{n}" for n in range(25)}
    more = [*hundred, of(100)]
    assert named_in_token(more, more[3]) == [more[3]]
    assert named_in_token(more, None) == []


def test_the_default_project_is_meant_where_none_is_chosen() -> None:
    mine = [of(1), of(2, default=True)]
    assert default_of(mine) == mine[1]
    assert default_of(mine, "p1") == mine[0]
    assert default_of(mine, "p9") is None
    assert default_of(mine[:1]) == mine[0]
    assert default_of([]) is None
