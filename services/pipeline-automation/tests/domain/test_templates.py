"""Templates that tenants write: variables, filters, and everything that could go out by mistake or take for ever."""

import time
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pipeline_automation.adapters.templates_in_liquid import TemplatesInLiquid
from pipeline_automation.domain.errors import UnrenderableError
from pipeline_automation.domain.facts import Facts, nothing_known
from pipeline_automation.domain.template_variables import LONGEST_TEXT, template_values

LIQUID = TemplatesInLiquid()
NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def values_of(**contact: Any) -> dict[str, Any]:
    values: Any = {root: dict(inner) for root, inner in nothing_known("message.received").values.items()}
    values["contact"] |= contact
    values["trigger"] |= {"text": "quero", "message_count": 3}
    return template_values(Facts(values), project="Loja", pipeline="Vendas", status=None, now=NOON)


ANA = values_of(
    name="Ana Maria Souza",
    phone="+5511987654321",
    email=None,
    language="pt-BR",
    tags=["vip", "lead"],
    custom={"cents": 123456, "due": "2026-01-05", "gone": ""},
)


def render(template: str, values: dict[str, Any] = ANA) -> str:
    assert LIQUID.flaw_of(template, "message.received") is None, template
    return LIQUID.parse(template).render(values)


def failure(template: str, values: dict[str, Any] = ANA) -> str:
    with pytest.raises(UnrenderableError) as raised:
        render(template, values)
    return raised.value.code


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("Olá {{ name }}!", "Olá Ana Maria Souza!"),
        ("{{ contact.first_name }} {{ contact.phone }}", "Ana +5511987654321"),
        ("{{ phone | phone }}", "+55 11 98765-4321"),
        ("{{ contact.custom.cents | money: 'BRL' }}", "R$ 1.234,56"),
        ("{{ contact.custom.cents | money: 'usd' }}", "$1,234.56"),
        ("{{ contact.custom.due | date: '%-d/%m' }}", "5/01"),
        ("{{ now | date }}", "21/11/2026"),
        ("{{ email | default: 'sem e-mail' }}", "sem e-mail"),
        ("{{ contact.custom.gone | default: '-' }}", "-"),
        ("{% if email %}{{ email }}{% else %}nada{% endif %}", "nada"),
        ("{% for tag in contact.tags %}{{ tag | upcase }} {% endfor %}", "VIP LEAD "),
        ("{{ name | downcase | capitalize | truncate: 6 }}", "Ana..."),
        ("{{ name | url_encode }}", "Ana%20Maria%20Souza"),
        ("{{ trigger.text }} {{ trigger.message_count }} {{ project.name }} {{ pipeline.name }}", "quero 3 Loja Vendas"),
        ("{% assign n = name %}{{ n }}", "Ana Maria Souza"),
        ("{% raw %}{{ name }}{% endraw %}", "{{ name }}"),
    ],
)  # fmt: skip
def test_variables_and_filters(template: str, text: str) -> None:
    assert render(template) == text


@pytest.mark.parametrize(
    "template", ["{{ email }}", "{{ contact.custom.nope }}", "{{ status.name }}", "{{ email | upcase }}", "{{ email | phone }}",
                 "{{ contact.custom.gone }}", "{% for t in contact.custom.nope %}x{% endfor %}", "{{ session.status | money }}"]
)  # fmt: skip
def test_a_variable_without_value_fails_the_message(template: str) -> None:
    assert failure(template) == "missing_variable"


@pytest.mark.parametrize("template", ["  \n ", "{% if email %}x{% endif %}", "{{ email | default: '' }}"])
def test_a_blank_message_does_not_go_out(template: str) -> None:
    assert failure(template) == "blank_message"


def test_values_are_text_and_never_templates() -> None:
    assert render("{{ name }}", values_of(name="{{ phone }}{% for x in y %}")) == "{{ phone }}{% for x in y %}"


def test_a_long_value_is_cut_and_a_long_message_fails() -> None:
    assert len(render("{{ name }}", values_of(name="x" * 5000))) == 1000
    assert len(render("y" * LONGEST_TEXT)) == LONGEST_TEXT
    assert failure("y" * (LONGEST_TEXT + 1)) == "message_too_long"


@pytest.mark.parametrize(
    ("template", "offset", "words"),
    [
        ("Olá {{ nome }}", 7, "no variable nome"),
        ("{{ contact.zip }}", 3, "no variable contact.zip"),
        ("{{ contact }}", 3, "no variable contact"),
        ("{{ contact[name] }}", 3, "no variable contact[name]"),
        ("{{ agent.name }}", 3, "no variable agent.name"),
        ("{{ trigger.new_status_id }}", 3, "no variable"),
        ("{{ today }}", 3, "no variable today"),
        ("{{ name | size }}", 10, "no filter size"),
        ("{{ name", 0, "expected"),
        ("{% include 'x' %}", 3, "unexpected tag"),
        ("{% render 'x' %}", 3, "unexpected tag"),
        ("{% capture x %}{% endcapture %}", 3, "unexpected tag"),
        ("{% tablerow t in contact.tags %}{% endtablerow %}", 3, "unexpected tag"),
        ("{% if true %}" * 6 + "{% endif %}" * 6, 81, "nesting"),
        ("{{ contact.custom." + "x" * 51 + " }}", 3, "no variable"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(template: str, offset: int, words: str) -> None:
    flaw = LIQUID.flaw_of(template, "message.received")
    assert flaw is not None
    assert words in flaw.words
    assert flaw.offset == offset


NESTED = "{% for a in (1..10) %}{% for b in (1..10) %}{% for c in (1..2) %}x{% endfor %}{% endfor %}{% endfor %}"
HOSTILE = {
    "{% for i in (1..101) %}x{% endfor %}": "template_too_expensive",
    "{% for i in (1..100000000000) %}x{% endfor %}": "template_too_expensive",
    NESTED: "template_too_expensive",
    "{% for i in (1..100) %}{{ name }}{{ name }}{{ name }}{{ name }}{{ name }}{{ name }}{{ name }}{% endfor %}": "template_too_expensive",
    ("{% for i in (1..100) %}" + "{% if i == name %}{% endif %}" * 4 + "{% endfor %}") * 50: "template_too_expensive",
    "{% assign n = '" + "x" * 4000 + "' %}" + "".join(f"{{% assign n{i} = n | upcase %}}" for i in range(100)): "template_too_expensive",
    "{{ contact.custom.due | date: '%9999999d' }}": "template_failed",
    "{{ contact.custom.due | date: '" + "%Y" * 200 + "' }}": "template_failed",
    "{{ name | money }}": "template_failed",
    "{{ contact.custom.cents | money: 'XXX' }}": "template_failed",
    "{{ name | upcase: 1, 2, 3 }}": "template_failed",
}  # fmt: skip


@pytest.mark.parametrize(("template", "code"), HOSTILE.items(), ids=range(len(HOSTILE)))
def test_hostile_templates_end_and_send_nothing(template: str, code: str) -> None:
    began = time.thread_time()
    assert failure(template) == code
    assert time.thread_time() - began < 1.0


PIECES = st.sampled_from(
    ["{{", "}}", "{%", "%}", " name ", " contact.tags ", "|", " default: 'x'", " upcase", " if ", " endif ", " for t in ", " endfor ",
     " assign a = ", " case ", " when ", "1", "(1..99)", "'", "\n", "[", "]", ".", "é", " break ", " comment ", " endcomment ",
     " money", " date: ", " truncate: 99", " unless ", " else ", " raw ", " endraw ", "-", "==", " contains ", " and "]
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(PIECES, max_size=16).map("".join))
def test_any_text_is_refused_or_renders_or_fails_for_a_reason(template: str) -> None:
    if LIQUID.flaw_of(template, "message.received") is None:
        try:
            text = LIQUID.parse(template).render(ANA)
        except UnrenderableError as error:
            assert error.code in {
                "missing_variable",
                "blank_message",
                "message_too_long",
                "template_too_expensive",
                "template_failed",
            }
        else:
            assert text.strip()
            assert len(text) <= LONGEST_TEXT
