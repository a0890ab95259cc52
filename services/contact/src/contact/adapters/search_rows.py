"""Contacts by what somebody remembers of them, best match first, at most 1,000."""

from typing import Any

from postgres.listing import Listing

from contact.domain.sought import Sought, beginning

# Candidates of each kind are bounded, so that a letter or two that half of the project begins with costs no more than a page.
# $3 the whole name, $4 and $5 ranges of its words, $6 whole phones, $7 and $8 their beginnings, $9 and $10 their last digits,
# $11 and $12 e-mail, $13 and $14 external id, $15 and $16 tag: a text and where what begins with it ends.
SEARCH = Listing(
    select="""
select * from (
    select c.id, c.name, c.phone, c.email, best.match_score, best.match_field
    from (
        select distinct on (contact_id) contact_id, match_score, match_field
        from (
            (select id, 1.50, 'name' from contacts
                where tenant_id = $1 and project_id = $2 and name_folded = $3
                    and deleted_at is null and merged_into_id is null and erased_at is null
                order by id desc limit 1000)
            union all
            (select contact_id, 1.20, 'name' from (
                select c.id as contact_id, q.number
                from unnest($4::text[], $5::text[]) with ordinality as q (low, high, number)
                join contacts c on c.tenant_id = $1 and c.project_id = $2 and c.name_folded >= q.low and c.name_folded < q.high
                    and c.deleted_at is null and c.merged_into_id is null and c.erased_at is null
                union
                select w.contact_id, q.number
                from unnest($4::text[], $5::text[]) with ordinality as q (low, high, number)
                join contact_words w on w.tenant_id = $1 and w.project_id = $2 and w.word >= q.low and w.word < q.high
            ) found group by contact_id having count(*) = cardinality($4::text[])
                order by contact_id desc limit 1000)
            union all
            (select c.id, case when c.phone_key = any($6::text[]) then 1.30 else 1.04 end, 'phone'
                from unnest($7::text[], $8::text[]) as q (low, high)
                join contacts c on c.tenant_id = $1 and c.project_id = $2 and c.phone_key >= q.low and c.phone_key < q.high
                    and c.deleted_at is null and c.merged_into_id is null and c.erased_at is null
                limit 1000)
            union all
            (select id, 1.04, 'phone' from contacts
                where tenant_id = $1 and project_id = $2 and phone_key_reversed >= $9 and phone_key_reversed < $10
                    and deleted_at is null and merged_into_id is null and erased_at is null
                limit 1000)
            union all
            (select id, case when email = $11 then 1.20 else 0.96 end, 'email' from contacts
                where tenant_id = $1 and project_id = $2 and email >= $11 and email < $12
                    and deleted_at is null and merged_into_id is null and erased_at is null
                order by email limit 1000)
            union all
            (select id, case when external_id = $13 then 1.00 else 0.80 end, 'external_id' from contacts
                where tenant_id = $1 and project_id = $2 and external_id >= $13 and external_id < $14
                    and deleted_at is null and merged_into_id is null and erased_at is null
                order by external_id limit 1000)
            union all
            (select contact_id, case when tag_key = $15 then 1.00 else 0.80 end, 'tag' from contact_tags
                where tenant_id = $1 and project_id = $2 and tag_key >= $15 and tag_key < $16
                order by tag_key, contact_id limit 1000)
        ) as found (contact_id, match_score, match_field)
        order by contact_id, match_score desc
    ) best
    join contacts c on c.tenant_id = $1 and c.id = best.contact_id
    order by best.match_score desc, c.id desc limit 1000
) s where true
""",
    sorts={"relevance": "match_score numeric"},
)


def parameters_of(sought: Sought) -> tuple[Any, ...]:
    """Return the parameters of SEARCH, from $3 on."""
    from_end, up_to_end = sought.phone_end or (None, None)
    return (
        sought.name,
        [low for low, _ in sought.words],
        [high for _, high in sought.words],
        list(sought.phones),
        [low for low, _ in sought.phone_beginnings],
        [high for _, high in sought.phone_beginnings],
        from_end,
        up_to_end,
        *beginning(sought.email),
        *beginning(sought.external_id),
        *beginning(sought.tag),
    )
