"""Contacts and their identities in Postgres, set-based: a batch of any size costs a handful of statements."""

from collections.abc import Sequence
from operator import itemgetter
from typing import Any

from postgres.database import Connection

from contact.adapters.contact_rows import DEFINED_VALUES, IDENTITIES
from contact.application.announcements import tags_on_meeting
from contact.domain.address_book import AddressBook, Known, Link, Sender
from contact.domain.channel_identity import Identity
from contact.domain.phone_number import phone_key
from contact.domain.search_text import folded, words_within

HELD_BY_ANOTHER = """was.deleted_at is not null and exists (select from contacts o
    where o.tenant_id = was.tenant_id and o.project_id = was.project_id and o.id <> was.id
    and o.deleted_at is null and o.merged_into_id is null and o.erased_at is null"""

# Live identities with the same value on any channel of the project, or with the same phone key; and contacts whose phone was
# entered by people. The tenant travels with every row: the batch holds many.
# First the columns of a contact, in the order of the fields of Known, which takes them by position; then what it is recognised by.
HOLDING = """
with wanted as (
    select distinct tenant_id, project_id, kind, value, match_key, match_key_reversed
    from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[])
        as w (tenant_id, project_id, kind, value, match_key, match_key_reversed)
)
select c.*, i.channel_id::text, i.kind, i.value, null
from (
    select i.tenant_id, i.contact_id, i.channel_id, i.kind, i.value from wanted w
    join channel_identities i on i.tenant_id = w.tenant_id and i.project_id = w.project_id
        and i.match_key = w.match_key and i.ended_at is null
        and (i.kind = w.kind or (i.kind in ('wa_pn', 'phone') and w.kind in ('wa_pn', 'phone')))
) i
join lateral (
    select tenant_id::text, project_id::text, id::text, name, name_source, language, version, deleted_at is not null
    from contacts c where c.tenant_id = i.tenant_id and c.id = i.contact_id and c.erased_at is null and c.merged_into_id is null
) c on true
union all
select c.tenant_id::text, c.project_id::text, c.id::text, c.name, c.name_source, c.language, c.version, c.deleted_at is not null,
    null, null, null, c.phone_key
from wanted w
join contacts c on c.tenant_id = w.tenant_id and c.project_id = w.project_id and c.phone_key_reversed = w.match_key_reversed
    and c.erased_at is null and c.merged_into_id is null
where w.kind in ('wa_pn', 'phone')
"""
_ID = 2

KEEP_CONTACTS = """
insert into contacts (tenant_id, id, project_id, name, name_source, name_folded, name_words, phone, phone_key, source_channel,
    language, tags, tag_keys, origin, first_interaction_at, last_interaction_at)
select tenant_id, id, project_id, name, name_source, name_folded, string_to_array(name_words, ' '), phone, phone_key, source_channel,
    coalesce(language, 'en'), string_to_array(tags, ','), string_to_array(tags, ','), 'inbound', first_at, last_at
from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[],
    $11::text[], $12::text[], $13::timestamptz[], $14::timestamptz[])
    as met (tenant_id, id, project_id, name, name_source, name_folded, name_words, phone, phone_key, source_channel, language, tags,
        first_at, last_at)
order by id
"""

KEEP_IDENTITIES = """
insert into channel_identities (tenant_id, id, project_id, contact_id, channel_id, kind, value, match_key, push_name, verified,
    evidence, first_seen_at, last_seen_at)
select tenant_id, id, project_id, contact_id, channel_id, kind, value, match_key, push_name, true, evidence, seen_at, seen_at
from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[],
    $11::timestamptz[])
    as linked (tenant_id, id, project_id, contact_id, channel_id, kind, value, match_key, push_name, evidence, seen_at)
order by tenant_id, channel_id, kind, value
"""

# Only forward; silent, so neither the version nor updated_at moves.
TOUCH = """
update contacts c set last_interaction_at = seen.at, first_interaction_at = coalesce(c.first_interaction_at, seen.at)
from (
    select tenant_id, id, at from unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) as s (tenant_id, id, at) order by id
) seen
where c.tenant_id = seen.tenant_id and c.id = seen.id and (c.last_interaction_at is null or c.last_interaction_at < seen.at)
"""

# Who comes back gives up what another live contact holds meanwhile: a unique key would stop the line over it.
RENAME_AND_RESTORE = f"""
update contacts c set
    name = case when c.name_source in ('push', 'provider') then changed.name else c.name end,
    name_source = case when c.name_source in ('push', 'provider') then changed.name_source else c.name_source end,
    name_folded = case when c.name_source in ('push', 'provider') then changed.name_folded else c.name_folded end,
    name_words = case when c.name_source in ('push', 'provider') then string_to_array(changed.name_words, ' ') else c.name_words end,
    phone = case when changed.lost_phone is null then c.phone end,
    phone_key = case when changed.lost_phone is null then c.phone_key end,
    email = case when changed.lost_email is null then c.email end,
    external_id = case when changed.lost_external_id is null then c.external_id end,
    deleted_at = null, version = c.version + 1, updated_at = now()
from (
    select s.*, case when {HELD_BY_ANOTHER} and o.phone_key = was.phone_key) then was.phone end as lost_phone,
        case when {HELD_BY_ANOTHER} and o.email = was.email) then was.email end as lost_email,
        case when {HELD_BY_ANOTHER} and o.external_id = was.external_id) then was.external_id end as lost_external_id
    from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[])
        as s (tenant_id, id, name, name_source, name_folded, name_words)
    join contacts was on was.tenant_id = s.tenant_id and was.id = s.id
    order by s.id
) changed
where c.tenant_id = changed.tenant_id and c.id = changed.id
returning c.tenant_id, c.id, c.project_id, c.name, c.name_source, c.email, c.phone, c.external_id, c.source_channel, c.language,
    c.timezone, c.tags, {DEFINED_VALUES}, c.origin, c.opted_out, c.version, c.created_at, {IDENTITIES},
    changed.lost_phone, changed.lost_email, changed.lost_external_id
"""


class ContactsInPostgres:
    """The line's side of the contact tables."""

    def __init__(self, connection: Connection, new_id: Any) -> None:
        self._connection = connection
        self._new_id = new_id

    async def holding(self, senders: Sequence[Sender]) -> AddressBook:
        """Return what is known about the senders' identities and phones."""
        asked = [(sender, identity) for sender in senders for identity in sender.identities]
        match_keys = [identity.match_key for _, identity in asked]
        rows = await self._connection.fetch(
            HOLDING,
            [sender.tenant_id for sender, _ in asked],
            [sender.project_id for sender, _ in asked],
            [identity.kind for _, identity in asked],
            [identity.value for _, identity in asked],
            match_keys,
            # turned round here: what a function makes of a column is not looked up by index behind the wall
            [key[::-1] for key in match_keys],
        )
        book = AddressBook()
        contacts: dict[str, Known] = {}
        for *known, channel_id, kind, value, phone in sorted(
            rows, key=itemgetter(_ID)
        ):  # the older of two contacts wins
            contact = contacts.get(known[_ID]) or contacts.setdefault(known[_ID], Known(*known))
            if kind is not None:
                book.remember(contact, channel_id, Identity(kind, value))
            else:
                book.remember_phone(contact, phone)
        return book

    async def keep(self, met: Sequence[Known], links: Sequence[Link]) -> None:
        """Store new contacts and identities; a race for one ends in a unique violation, and the batch is repeated."""
        if met:
            await self._connection.execute(
                KEEP_CONTACTS,
                [contact.tenant_id for contact in met],
                [contact.id for contact in met],
                [contact.project_id for contact in met],
                [contact.name for contact in met],
                [contact.name_source for contact in met],
                [folded(contact.name) for contact in met],
                [" ".join(words_within(contact.name)) for contact in met],
                [contact.phone for contact in met],
                [phone_key(contact.phone) if contact.phone else None for contact in met],
                [contact.channel_type for contact in met],
                [contact.language for contact in met],
                [",".join(tags_on_meeting(contact.channel_type)) for contact in met],
                [contact.first_seen.occurred_at if contact.first_seen else None for contact in met],
                [contact.last_seen_at for contact in met],
            )
        if links:
            await self._connection.execute(
                KEEP_IDENTITIES,
                [link.contact.tenant_id for link in links],
                [self._new_id() for _ in links],
                [link.contact.project_id for link in links],
                [link.contact.id for link in links],
                [link.sender.channel_id for link in links],
                [link.identity.kind for link in links],
                [link.identity.value for link in links],
                [link.identity.match_key for link in links],
                [link.sender.push_name for link in links],
                [link.sender.evidence for link in links],
                [link.sender.occurred_at for link in links],
            )

    async def touch(self, seen: Sequence[Known]) -> None:
        """Note when contacts were last heard of."""
        if seen:
            await self._connection.execute(
                TOUCH,
                [contact.tenant_id for contact in seen],
                [contact.id for contact in seen],
                [contact.last_seen_at for contact in seen],
            )

    async def rename_and_restore(self, changed: Sequence[Known]) -> list[Any]:
        """Store push names and bring deleted contacts back; return the rows as they are now."""
        return list(
            await self._connection.fetch(
                RENAME_AND_RESTORE,
                [contact.tenant_id for contact in changed],
                [contact.id for contact in changed],
                [contact.name for contact in changed],
                [contact.name_source for contact in changed],
                [folded(contact.name) for contact in changed],
                [" ".join(words_within(contact.name)) for contact in changed],
            )
        )
