"""A key has never more than its maker, whatever is asked and whatever comes later."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from identity.domain.rights import ROLES, Asked, Maker, Rights, Terms, lesser, present_rights, terms_of
from kernel.errors import DomainError
from web.permissions import PERMISSIONS, RANKS, permissions_of

NOW = datetime(2026, 11, 21, tzinfo=UTC)
roles = st.sampled_from(ROLES)
narrowings = st.none() | st.frozensets(st.sampled_from(sorted(PERMISSIONS)), min_size=1)
projects = st.none() | st.sampled_from(["p1", "p2"])
times = st.none() | st.integers(-3, 3).map(lambda days: NOW + timedelta(days=days))


@st.composite
def makers(draw: st.DrawFn) -> Maker:
    role, owner, narrowed = draw(roles), draw(st.booleans()), draw(narrowings)
    whole = permissions_of("admin" if owner else role, owner=owner)
    rights = Rights("admin" if owner else role, owner, whole if narrowed is None else whole & narrowed)
    return Maker(rights, draw(projects), draw(times.filter(lambda at: at is None or at > NOW)))


asked = st.builds(Asked, st.none() | roles, narrowings, projects, times)


@given(makers(), asked)
def test_no_key_is_more_than_its_maker(maker: Maker, wanted: Asked) -> None:
    try:
        terms = terms_of(wanted, maker, NOW, permissions_of)
    except DomainError:
        return
    now = present_rights(terms, maker.rights.role, maker.rights.owner, permissions_of)
    assert now.permissions <= maker.rights.permissions
    assert lesser(now.role, maker.rights.role) == now.role
    assert maker.rights.owner or not now.owner
    assert maker.project_id in (None, terms.project_id)
    assert maker.expires_at is None or (terms.expires_at is not None and terms.expires_at <= maker.expires_at)
    assert terms.expires_at is None or terms.expires_at > NOW


@given(makers(), asked, roles, st.booleans())
def test_no_key_is_more_than_its_maker_is_later(maker: Maker, wanted: Asked, role: str, owner: bool) -> None:
    try:
        terms = terms_of(wanted, maker, NOW, permissions_of)
    except DomainError:
        return
    later = present_rights(terms, role, owner, permissions_of)
    assert later.permissions <= permissions_of("admin" if owner else role, owner=owner)
    assert later.permissions <= terms.shown(permissions_of)
    assert owner or lesser(later.role, role) == later.role
    if later.owner:
        assert owner and terms.permissions is None and terms.project_id is None


@given(makers())
def test_asking_for_nothing_gives_all_that_the_maker_has(maker: Maker) -> None:
    terms = terms_of(Asked(), maker, NOW, permissions_of)
    assert present_rights(terms, maker.rights.role, maker.rights.owner, permissions_of).permissions == (
        maker.rights.permissions
    )


def test_roles_stand_in_the_order_of_their_ranks() -> None:
    assert list(ROLES) == sorted(ROLES, key=lambda role: RANKS[role])
    assert Terms("agent", False, None, None, None).shown(permissions_of) == permissions_of("agent")


def test_an_agents_key_learns_nothing_new_when_its_maker_becomes_a_viewer() -> None:
    terms = Terms("agent", False, None, None, None)
    assert "analytics.view" not in present_rights(terms, "viewer", False, permissions_of).permissions
    assert "messages.send" not in present_rights(terms, "viewer", False, permissions_of).permissions
