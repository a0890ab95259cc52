"""Guards: nobody gives more than they have, changes their own role, or leaves a project or a tenant without anybody to run it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from identity.domain.membership import (
    Member,
    Others,
    refuse_giving_more,
    refuse_losing,
    refuse_own_role,
)
from identity.domain.rights import ROLES, Rights
from kernel.errors import DomainError
from web.permissions import PERMISSIONS, RANKS, permissions_of

roles = st.sampled_from(ROLES)
narrowings = st.none() | st.frozensets(st.sampled_from(sorted(PERMISSIONS)))


@st.composite
def rights(draw: st.DrawFn) -> Rights:
    role, owner, narrowed = draw(roles), draw(st.booleans()), draw(narrowings)
    role = "admin" if owner else role
    whole = permissions_of(role, owner=owner)
    return Rights(role, owner, whole if narrowed is None else whole & narrowed)


@st.composite
def projects(draw: st.DrawFn) -> list[Member]:
    """Members of one project; owners are among them or not, and are admins where they are."""
    made = []
    for number in range(draw(st.integers(1, 5))):
        owner = draw(st.booleans())
        role = "admin" if owner else draw(roles)
        made.append(Member(f"m{number}", f"u{number}", role, 1, owner))
    return made


def others_of(member: Member, members: list[Member], owners_elsewhere: int) -> Others:
    rest = [each for each in members if each.id != member.id]
    return Others(sum(each.role == "admin" for each in rest), sum(each.owner for each in rest) + owners_elsewhere)


@given(rights(), roles)
def test_whoever_gives_a_role_has_all_of_it(own: Rights, role: str) -> None:
    try:
        refuse_giving_more(role, own, permissions_of)
    except DomainError as error:
        assert (error.code, error.facts) == ("permission_denied", {"required": role})
        assert not permissions_of(role) <= own.permissions or RANKS[role] > RANKS[own.role]
        return
    assert permissions_of(role) <= own.permissions
    assert RANKS[role] <= RANKS[own.role]


@given(roles, roles)
def test_a_whole_role_gives_itself_and_nothing_above(giver: str, role: str) -> None:
    own = Rights(giver, False, permissions_of(giver))
    if RANKS[role] > RANKS[giver]:
        with pytest.raises(DomainError, match="permission_denied"):
            refuse_giving_more(role, own, permissions_of)
    elif giver in ("admin", "supervisor") or role == giver:
        refuse_giving_more(role, own, permissions_of)


def test_an_agent_cannot_make_a_viewer_who_would_see_more() -> None:
    with pytest.raises(DomainError, match="permission_denied"):
        refuse_giving_more("viewer", Rights("agent", False, permissions_of("agent")), permissions_of)


@given(projects(), st.lists(st.tuples(st.integers(0, 4), st.none() | roles), max_size=12), st.booleans())
def test_whatever_is_done_in_whatever_order_somebody_runs_the_project(
    members: list[Member], changes: list[tuple[int, str | None]], owner_elsewhere: bool
) -> None:
    had_admin = any(each.role == "admin" for each in members)
    owners = {each.id for each in members if each.owner}
    for index, role in changes:
        member = members[index % len(members)] if members else None
        if member is None:
            break
        try:
            refuse_losing(member, role, others_of(member, members, int(owner_elsewhere)))
        except DomainError as error:
            assert error.code in ("last_admin", "rule_violated")
            assert role != "admin", "promoting takes nothing away"
            continue
        rest = [each for each in members if each.id != member.id]
        changed = [] if role is None else [Member(member.id, member.user_id, role, member.version + 1, member.owner)]
        members = [*rest, *changed]
    assert not had_admin or any(each.role == "admin" for each in members)
    assert {each.id for each in members if each.owner} == owners
    assert all(each.role == "admin" for each in members if each.owner)


def test_the_last_owner_and_one_of_two_are_told_apart() -> None:
    owner = Member("m", "u", "admin", 1, True)
    with pytest.raises(DomainError, match="last_admin"):
        refuse_losing(owner, "viewer", Others(admins=3, owners=0))
    with pytest.raises(DomainError) as told:
        refuse_losing(owner, None, Others(admins=3, owners=1))
    assert (told.value.code, told.value.facts) == ("rule_violated", {"rule": "owner_is_admin"})


def test_nobody_changes_their_own_role() -> None:
    member = Member("m", "u", "admin", 1, False)
    with pytest.raises(DomainError) as told:
        refuse_own_role(member, "u")
    assert (told.value.code, told.value.facts) == ("rule_violated", {"rule": "own_role"})
    refuse_own_role(member, "somebody else")
