"""Contacts by what somebody remembers of them, best match first, at most 1,000."""

from typing import Any

from postgres.listing import Listing

from contact.domain.sought import Sought, beginning

NOTHING = (None, None)

LIVE = "tenant_id = $1 and project_id = $2 and deleted_at is null and merged_into_id is null and erased_at is null"
INDEXED = "tenant_id = $1 and project_id = $2"

FIRST_WORD = f"""
    select id from contacts where {LIVE} and name_folded >= $4 and name_folded < $5
    union all select contact_id from contact_words where {INDEXED} and word >= $4 and word < $5
"""
SECOND_WORD = f"""
    select id from contacts where {LIVE} and name_folded >= $6 and name_folded < $7
    union all select contact_id from contact_words where {INDEXED} and word >= $6 and word < $7
"""

# Every kind of match is bounded, so that a letter or two that half of the project begins with costs no more than a page, and compared
# with parameters alone: a join with a list of ranges would be planned blindly. Two words are looked up, the others are compared.
# $3 the whole name; $4 to $5 and $6 to $7 the two longest words, $8 to $9 the others; $10 whole phones, $11 to $12 and $13 to $14 how
# they may begin, $15 to $16 their last digits turned round; $17 to $18 e-mail, $19 to $20 external id, $21 to $22 tag.
FOUND = f"""
    (select id, 1.50, 'name' from contacts where {LIVE} and name_folded = $3 order by id desc limit 1000)
    union all
    (select id, 1.20, 'name' from ({FIRST_WORD}) one_word where $6::text is null limit 1000)
    union all
    (select id, 1.20, 'name' from (({FIRST_WORD}) intersect ({SECOND_WORD})) two_words limit 1000)
    union all
    (select id, 1.30, 'phone' from contacts where {LIVE} and phone_key = any($10::text[]))
    union all
    (select id, 1.04, 'phone' from contacts where {LIVE} and phone_key >= $11 and phone_key < $12 order by phone_key limit 1000)
    union all
    (select id, 1.04, 'phone' from contacts where {LIVE} and phone_key >= $13 and phone_key < $14 order by phone_key limit 1000)
    union all
    (select id, 1.04, 'phone' from contacts where {LIVE} and phone_key_reversed >= $15 and phone_key_reversed < $16
        order by phone_key_reversed limit 1000)
    union all
    (select id, case when email = $17 then 1.20 else 0.96 end, 'email' from contacts
        where {LIVE} and email >= $17 and email < $18 order by email limit 1000)
    union all
    (select id, case when external_id = $19 then 1.00 else 0.80 end, 'external_id' from contacts
        where {LIVE} and external_id >= $19 and external_id < $20 order by external_id limit 1000)
    union all
    (select contact_id, case when tag_key = $21 then 1.00 else 0.80 end, 'tag' from contact_tags
        where {INDEXED} and tag_key >= $21 and tag_key < $22 order by tag_key, contact_id limit 1000)
"""

SEARCH = Listing(
    select=f"""
select * from (
    select best.contact_id as id, c.name, c.phone, c.email, best.match_score, best.match_field
    from (
        select contact_id, match_score, match_field
        from (
            select distinct on (contact_id) contact_id, match_score, match_field
            from ({FOUND}) as found (contact_id, match_score, match_field)
            order by contact_id, match_score desc
        ) each_once
        order by match_score desc, contact_id desc limit 1000
    ) best
    join contacts c on c.tenant_id = $1 and c.id = best.contact_id
    where best.match_field <> 'name' or not exists (
        select from unnest($8::text[], $9::text[]) as other (low, high)
        where not (c.name_folded >= other.low and c.name_folded < other.high)
            and not exists (select from unnest(c.name_words) as w (word) where w.word >= other.low and w.word < other.high))
) s where true
""",
    sorts={"relevance": "match_score numeric"},
)


def parameters_of(sought: Sought) -> tuple[Any, ...]:
    """Return the parameters of SEARCH, from $3 on; a range of nulls holds nothing."""
    first, second, *others = (*sought.words, NOTHING, NOTHING)
    typed, with_country = sought.phone_beginnings or (NOTHING, NOTHING)
    return (
        sought.name,
        *first,
        *second,
        [low for low, _ in others if low is not None],
        [high for _, high in others if high is not None],
        list(sought.phones),
        *typed,
        *with_country,
        *(sought.phone_end or NOTHING),
        *beginning(sought.email),
        *beginning(sought.external_id),
        *beginning(sought.tag),
    )
