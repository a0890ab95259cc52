"""Agents, whatever people do to them and in which order: who rests is offline, who stands for the past is never there."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from identity.domain.agent import (
    NARROWING,
    PERMISSIONS,
    VIRTUAL_PREFIX,
    Agent,
    Represented,
    changed,
    refuse_waking,
    with_period_ended,
    with_status,
)
from identity.domain.membership import Member
from kernel.errors import DomainError

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
KINDS = ("human", "ai", "bot", "channel", "virtual")

roles = st.none() | st.sampled_from(["viewer", "agent", "supervisor", "admin"])
deeds = st.lists(
    st.one_of(
        st.tuples(st.just("says"), st.sampled_from(["available", "busy", "away", "offline"])),
        st.tuples(st.just("active"), st.booleans()),
        st.tuples(st.just("role"), roles),
        st.tuples(st.just("ends"), st.integers(-2, 2)),
        st.tuples(st.just("permissions"), st.dictionaries(st.sampled_from(PERMISSIONS), st.booleans())),
        st.tuples(st.just("name"), st.sampled_from(["Ana", "[Virtual] Ana", "[Virtual] "])),
    ),
    max_size=12,
)


def made(kind: str) -> Agent:
    person = {"user_id": "u", "email": "ana@example.com"} if kind == "human" else {}
    past = Represented("Ana", NOON, "imported") if kind == "virtual" else None
    return Agent("t", "a", "p", 1, kind, f"{VIRTUAL_PREFIX}Ana" if past else "Ana", virtual=past, **person)


def done(agent: Agent, member: Member | None, deed: str, value: Any) -> Agent:
    """Do as the use cases do."""
    match deed:
        case "says":
            return with_status(agent, value)
        case "ends":
            return with_period_ended(agent, NOON + timedelta(days=value))
        case _:
            found, names = changed(agent, {deed: value})
            assert (found == agent) == (not names)
            assert changed(found, {deed: value}) == (found, [])
            if found.active and not agent.active:
                refuse_waking(agent, member)
            return found


@given(st.sampled_from(KINDS), deeds)
def test_what_holds_of_every_agent_holds_whatever_is_done_to_it(kind: str, what: list[tuple[str, Any]]) -> None:
    agent, role, wanted = made(kind), "agent", dict.fromkeys(PERMISSIONS, False) | dict.fromkeys(NARROWING, True)
    for deed, value in what:
        before = agent
        member = None if role is None else Member("m", "u", role, 1, owner=False)
        if deed == "role":
            role = value
            if role in (None, "viewer") and kind == "human":
                agent, _ = changed(agent, {"active": False})  # it rests with the membership
            continue
        try:
            agent = done(agent, member, deed, value)
            if deed == "permissions":
                wanted |= value
        except DomainError as error:
            assert agent == before
            assert refused_rightly(agent, role, deed, value, error.code), (deed, value, error)
        assert agent.active or agent.status == "offline"
        assert kind != "virtual" or (agent.status == "offline" and agent.name.startswith(VIRTUAL_PREFIX))
        assert kind != "human" or not agent.active or role not in (None, "viewer")
        assert {name: name in agent.permissions for name in PERMISSIONS} == wanted
        if before.virtual is not None and before.virtual.period_end is not None:
            assert agent.virtual == before.virtual
        assert agent.type == kind


def refused_rightly(agent: Agent, role: str | None, deed: str, value: Any, code: str) -> bool:
    """Tell whether the rules refuse that, and with that code."""
    if deed == "says":
        virtual = agent.type == "virtual"
        return code == ("rule_violated" if virtual else "invalid_state") and (virtual or not agent.active)
    if deed == "ends":
        if agent.virtual is None:
            return code == "rule_violated"
        if agent.virtual.period_end is not None:
            return code == "invalid_state"
        return code == "rule_violated" and value <= 0
    return deed == "active" and value and agent.type == "human" and role in (None, "viewer") and code == "rule_violated"
